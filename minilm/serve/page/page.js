// The page of `python -m minilm serve`: a conversation whose every token can be looked into.
//
// A turn is what the user wrote, {text}, or an answer, {prompt, branches, shown}: the ids before it, and one list of
// tokens for each way in which it was written. A token is {id, text, name, top}: text is what it adds to the page (a
// character may be made of several tokens), top are the tokens that might have stood in its place.

const $ = id => document.getElementById(id)
const turns = []
let model = {id: "", chat: false}
let chosen = null  // {turn, index} of a token
let writing = null // AbortController of the answer that is being written

// what the server is asked

async function ask(path, body, signal) {
  const headers = {"Content-Type": "application/json"}
  if ($("key").value) headers.Authorization = `Bearer ${$("key").value}`
  const response = await fetch(path, body ? {method: "POST", headers, body: JSON.stringify(body), signal} : {headers})
  if (response.ok) return response
  if (response.status === 401) { $("locked").hidden = false; $("key").focus() }
  const content = await response.json().catch(() => null)
  throw new Error(content?.error.message ?? `the server said ${response.status}`)
}

const answer = async (path, body) => (await ask(path, body)).json()

async function* events(response) {
  let rest = "", ended = false
  for await (const part of parts(response.body.pipeThrough(new TextDecoderStream()))) {
    const found = (rest + part).split("\n\n")
    rest = found.pop()
    for (const event of found) {
      const data = event.replace("data: ", "")
      if (data === "[DONE]") { ended = true; break }
      const content = JSON.parse(data)
      if (content.error) throw new Error(content.error.message)
      yield content
    }
  }
  if (!ended) throw new Error("the answer broke off")
}

async function* parts(stream) {
  const reader = stream.getReader()
  for (let read; !(read = await reader.read()).done;) yield read.value
}

const number = id => $(id).value === "" ? null : Number($(id).value)

// Go on writing the shown branch of a turn.
async function write(turn) {
  const tokens = turn.branches[turn.shown]
  const names = ["temperature", "top_p", "max_tokens", "seed"]
  const settings = Object.fromEntries(names.map(name => [name, number(name)]))
  const prompt = [...turn.prompt, ...tokens.map(token => token.id)]
  await busily("writing …", async signal => {
    const body = {model: model.id, prompt, stream: true, logprobs: 10, ...settings}
    for await (const event of events(await ask("/v1/completions", body, signal))) {
      const [{text, logprobs, finish_reason}] = event.choices
      tokens.push({id: logprobs.ids[0], text, name: logprobs.tokens[0], top: logprobs.top[0], last: finish_reason})
      if (turn.branches[turn.shown] === tokens) add(turn, tokens.length - 1)
    }
  })
}

async function busily(what, work) {
  writing?.abort()
  const mine = writing = new AbortController()
  $("stop").hidden = false
  say(what)
  try {
    await work(mine.signal)
    say("done")
  } catch (error) {
    say(error.name === "AbortError" ? "stopped" : error.message)
  } finally {
    if (writing === mine) { writing = null; $("stop").hidden = true }
  }
}

const say = text => { $("status").textContent = text }

// the conversation

async function send() {
  const text = $("text").value
  if (!text.trim() && !turns.length) return
  writing?.abort()
  say("reading …")
  turns.push({text})
  $("text").value = ""
  const turn = {prompt: [], branches: [[]], shown: 0}
  const question = model.chat ? {messages: turns.map(message)} : {text: turns.map(content).join("")}
  turns.push(turn)
  chosen = null
  render()
  try {
    turn.prompt = (await answer("/page/prompt", question)).ids
  } catch (error) {
    turns.splice(-2)
    $("text").value = text
    render()
    return say(error.message)
  }
  await write(turn)
}

const shown = turn => turn.branches[turn.shown]
const content = turn => turn.text ?? shown(turn).map(token => token.text).join("")
const message = turn => ({role: turn.branches ? "assistant" : "user", content: content(turn)})

// Another token in the place of the chosen one, and on from there.
async function branch(candidate) {
  const {turn, index} = chosen, old = shown(turn)
  turns.length = turns.indexOf(turn) + 1
  const text = candidate.token.startsWith("bytes:") ? "" : candidate.token
  turn.branches.push([...old.slice(0, index), {id: candidate.id, text, name: candidate.token, top: old[index].top}])
  turn.shown = turn.branches.length - 1
  render()
  choose(turn, index)
  if (candidate.bytes.length) await write(turn)
}

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties)
  made.append(...children)
  return made
}

function render() {
  $("log").replaceChildren(...turns.map(turn => {
    const who = element("span", {className: "who"}, turn.branches ? model.id : "you")
    const box = element("div", {className: `turn ${turn.branches ? "" : "user"}`}, who)
    if (!turn.branches) { box.append(turn.text); return box }
    turn.box = box
    if (turn.branches.length > 1) who.append(" ", ...turn.branches.map((_, i) => branchButton(turn, i)))
    shown(turn).forEach((_, index) => add(turn, index))
    return box
  }))
  inspect()
}

function branchButton(turn, i) {
  const show = () => { writing?.abort(); turn.shown = i; chosen = null; turns.length = turns.indexOf(turn) + 1; render() }
  const button = element("button", {type: "button", onclick: show, ariaLabel: `branch ${i + 1}`}, String(i + 1))
  button.setAttribute("aria-pressed", i === turn.shown)
  return button
}

function add(turn, index) {
  const token = shown(turn)[index]
  const span = element("span", {className: "token", tabIndex: index ? -1 : 0, onclick: () => choose(turn, index)}, token.text)
  span.setAttribute("role", "button")
  span.setAttribute("aria-label", `token ${visible(token.name)}`)
  turn.box.append(span)
}

const spans = turn => [...turn.box.querySelectorAll(".token")]

function choose(turn, index) {
  chosen = {turn, index}
  document.querySelectorAll(".token[aria-pressed]").forEach(span => span.removeAttribute("aria-pressed"))
  const span = spans(turn)[index]
  span.setAttribute("aria-pressed", "true")
  span.focus()
  inspect()
}

// a token's alternatives

const visible = name => name === "" ? "end" : name.replaceAll(" ", "␣").replaceAll("\n", "⏎").replaceAll("\t", "⇥")
const percent = p => `${(100 * p).toFixed(p < 0.1 ? 1 : 0)} %`

function inspect() {
  const token = chosen && shown(chosen.turn)[chosen.index]
  $("bars").replaceChildren(...(token?.top ?? []).map(candidate => {
    const p = Math.exp(candidate.logprob)
    const bar = element("button", {type: "button", onclick: () => branch(candidate)},
      element("code", {}, visible(candidate.token)), element("span", {}, percent(p)))
    bar.style.setProperty("--p", `${100 * p}%`)
    bar.setAttribute("aria-current", candidate.id === token.id)
    return element("li", {}, bar)
  }))
}

// The ids up to the chosen token, itself included or not; without one, all there are.
function context(included) {
  const turn = chosen?.turn ?? turns.at(-1)
  if (!turn) throw new Error("there is no text yet; send some first")
  const tokens = chosen ? shown(turn).slice(0, chosen.index + included) : shown(turn)
  return [...turn.prompt, ...tokens.map(token => token.id)]
}

// beam search

async function search() {
  await busily("searching …", async () => {
    const {steps, found} = await answer("/page/beams", {ids: context(0), beams: number("width"), steps: number("depth")})
    $("tree").replaceChildren(tree(steps, best(steps, found[0])))
    $("tree").tabIndex = 0
    $("found").replaceChildren(...found.map(({text, logprob}) =>
      element("li", {}, element("code", {}, visible(text)), ` ${logprob.toFixed(2)}`)))
  })
}

// The nodes of the best continuation, from its last: the one with its log-probability.
function best(steps, {logprob}) {
  const path = new Set()
  let step = steps.findLastIndex(nodes => nodes.some(node => node.kept && node.log_prob === logprob))
  let node = steps[step]?.find(node => node.kept && node.log_prob === logprob)
  for (; node; node = node.parent === null ? null : steps[--step][node.parent]) path.add(node)
  return path
}

const LETTER = 7.5, ROW = 22, GAP = 30
const label = node => visible(node.text).slice(0, 9)

function tree(steps, path) {
  const rows = Math.max(...steps.map(nodes => nodes.length))
  const column = GAP + LETTER * Math.max(...steps.flat().map(node => label(node).length))
  const picture = svg("svg", {width: column * steps.length, height: ROW * (rows + 0.5), role: "img"})
  picture.setAttribute("aria-label", `beam tree of ${steps.length} steps; the continuations found are listed below`)
  steps.forEach((nodes, step) => nodes.forEach((node, row) => {
    const group = svg("g", {class: path.has(node) ? "best" : node.kept ? "" : "left"})
    const y = ROW * (row + 1), x = column * step
    if (node.parent !== null) {
      const x1 = x - column + LETTER * label(steps[step - 1][node.parent]).length + 4
      group.append(svg("line", {x1, y1: ROW * (node.parent + 1) - 4, x2: x - 3, y2: y - 4}))
    }
    group.append(svg("text", {x, y}, label(node)), svg("title", {}, `${visible(node.text)} ${node.log_prob.toFixed(2)}`))
    picture.append(group)
  }))
  return picture
}

function svg(tag, attributes, text = "") {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag)
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value)
  made.textContent = text
  return made
}

// attention

let seen = null // {tokens, weights} (L, H, T)

async function look() {
  await busily("looking …", async () => {
    seen = await answer("/page/attention", {ids: context(1)})
    options($("layer"), seen.weights.length)
    options($("head"), seen.weights[0].length)
    showAttention()
  })
}

function options(select, count) {
  const old = select.value
  select.replaceChildren(new Option("mean", ""), ...Array.from({length: count}, (_, i) => new Option(i + 1, i)))
  select.value = old
}

const mean = rows => rows[0].map((_, i) => rows.reduce((sum, row) => sum + row[i], 0) / rows.length)
const pick = (rows, select) => select.value === "" ? rows : [rows[select.value]]

function showAttention() {
  if (!seen) return
  const weights = mean(pick(seen.weights, $("layer")).map(heads => mean(pick(heads, $("head")))))
  const highest = Math.max(...weights)
  $("seen").replaceChildren(...seen.tokens.map((token, i) => {
    const span = element("span", {title: percent(weights[i])}, token.startsWith("bytes:") ? "·" : token)
    span.style.background = `rgb(var(--glow) / ${(0.8 * weights[i] / highest).toFixed(3)})`
    return span
  }))
  const order = weights.map((_, i) => i).sort((a, b) => weights[b] - weights[a]).slice(0, 3)
  $("most").textContent = "Most at " + order.map(i => `${visible(seen.tokens[i])} (${percent(weights[i])})`).join(", ")
}

// mouse and keyboard

$("ask").addEventListener("submit", event => { event.preventDefault(); send() })
$("text").addEventListener("keydown", event => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); send() }
})
$("stop").addEventListener("click", () => writing?.abort())
$("anew").addEventListener("click", () => { writing?.abort(); turns.length = 0; chosen = null; render(); $("text").focus() })
$("search").addEventListener("submit", event => { event.preventDefault(); search() })
$("look").addEventListener("submit", event => { event.preventDefault(); look() })
for (const id of ["layer", "head"]) $(id).addEventListener("change", showAttention)
$("key").addEventListener("change", start)

$("log").addEventListener("keydown", event => {
  const turn = turns.find(turn => turn.box?.contains(event.target))
  const index = turn ? spans(turn).indexOf(event.target) : -1
  if (index < 0) return
  const next = {ArrowRight: index + 1, ArrowLeft: index - 1, Home: 0, End: spans(turn).length - 1}[event.key]
  if (spans(turn)[next]) choose(turn, next)
  else if (event.key === "Enter" || event.key === " ") { choose(turn, index); $("bars").querySelector("button")?.focus() }
  else return
  event.preventDefault()
})
$("bars").addEventListener("keydown", event => {
  const bars = [...$("bars").querySelectorAll("button")]
  const to = {ArrowDown: 1, ArrowUp: -1}[event.key]
  if (to) bars[bars.indexOf(event.target) + to]?.focus()
  else if (event.key === "Escape") choose(chosen.turn, chosen.index)
  else return
  event.preventDefault()
})

async function start() {
  try {
    [model] = (await answer("/v1/models")).data
    $("model").textContent = model.id
    $("locked").hidden = true
    say(model.chat ? "ask something" : "begin a text: the model goes on with it")
  } catch (error) {
    say(error.message)
  }
}

start()
