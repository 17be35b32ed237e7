// The page of `python -m minilm serve`: a conversation whose every token can be looked into.
//
// A turn is what the user wrote, {text}, or an answer, {prompt, branches, shown}: the ids before it, and one list of
// tokens for each way in which it was written. A token is {id, text, name, top}: text is what it adds to the page (a
// character may be made of several tokens), top are the tokens that might have stood in its place.

const $ = id => document.getElementById(id)
const turns = []
let model = {id: "", chat: false}
let chosen = null  // {turn, index} of a token
let working = null // AbortController of what the server is asked now
let seen = null    // {tokens, weights (L, H, T)}: the attention that is shown

const shown = turn => turn.branches[turn.shown]
const content = turn => turn.text ?? shown(turn).map(token => token.text).join("")
const message = turn => ({role: turn.branches ? "assistant" : "user", content: content(turn)})
const number = id => $(id).value === "" ? null : Number($(id).value)

// the server: what the page asks it, and how the answers come: whole, or as a stream of events.

const access = {key: ""}

async function ask(path, body, signal) {
  const headers = {"Content-Type": "application/json"}
  if (access.key) headers.Authorization = `Bearer ${access.key}`
  const response = await fetch(path, body ? {method: "POST", headers, body: JSON.stringify(body), signal} : {headers})
  if (response.ok) return response
  const content = await response.json().catch(() => null)
  const error = new Error(content?.error.message ?? `the server said ${response.status}`)
  throw Object.assign(error, {status: response.status})
}

const answer = async (path, body, signal) => (await ask(path, body, signal)).json()

// The content of each server-sent event, up to [DONE].
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

// Not every browser lets a stream be iterated over.
async function* parts(stream) {
  const reader = stream.getReader()
  for (let read; !(read = await reader.read()).done;) yield read.value
}

// pictures of numbers: probabilities as bars, a beam search as a tree, attention as colour.

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties)
  made.append(...children)
  return made
}

function svg(tag, attributes, text = "") {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag)
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value)
  made.textContent = text
  return made
}

// The text of a token that is only a part of a character is told as "bytes:".
const partOfCharacter = name => name.startsWith("bytes:")
const visible = name => name === "" ? "end" : name.replaceAll(" ", "␣").replaceAll("\n", "⏎").replaceAll("\t", "⇥")
const percent = p => `${(100 * p).toFixed(p < 0.1 ? 1 : 0)} %`

// A button for each token that might stand there, with its probability; the one that does is marked.
function bars(candidates, id, onchoice) {
  return candidates.map(candidate => {
    const p = Math.exp(candidate.logprob)
    const bar = element("button", {type: "button", onclick: () => onchoice(candidate)},
      element("code", {}, visible(candidate.token)), element("span", {}, percent(p)))
    bar.style.setProperty("--p", `${100 * p}%`)
    bar.setAttribute("aria-current", candidate.id === id)
    return element("li", {}, bar)
  })
}

// beam search: steps are lists of nodes {parent, text, log_prob, kept}, parent being a row of the step before

const LETTER = 7.5, ROW = 22, GAP = 30
const label = node => visible(node.text).slice(0, 9)

function tree(steps, found) {
  const path = best(steps, found[0])
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

// The nodes of the best continuation, from its last: the one with its log-probability.
function best(steps, {logprob}) {
  const path = new Set(), isLast = node => node.kept && node.log_prob === logprob
  let step = steps.findLastIndex(nodes => nodes.some(isLast))
  let node = steps[step]?.find(isLast)
  for (; node; node = node.parent === null ? null : steps[--step][node.parent]) path.add(node)
  return path
}

const continuations = found => found.map(({text, logprob}) =>
  element("li", {}, element("code", {}, visible(text)), ` ${logprob.toFixed(2)}`))

// attention: weights (L, H, T); of a layer and a head by their numbers, or the mean if they are ""

const mean = rows => rows[0].map((_, i) => rows.reduce((sum, row) => sum + row[i], 0) / rows.length)
const pick = (rows, number) => number === "" ? rows : [rows[number]]

// The tokens, the darker the more they are looked at, and in words those that are most.
function attended({tokens, weights}, layer, head) {
  const shares = mean(pick(weights, layer).map(heads => mean(pick(heads, head))))
  const highest = Math.max(...shares)
  const spans = tokens.map((token, i) => {
    const span = element("span", {title: percent(shares[i])}, partOfCharacter(token) ? "·" : token)
    span.style.background = `rgb(var(--glow) / ${(0.8 * shares[i] / highest).toFixed(3)})`
    return span
  })
  const order = shares.map((_, i) => i).sort((a, b) => shares[b] - shares[a]).slice(0, 3)
  return {spans, most: "Most at " + order.map(i => `${visible(tokens[i])} (${percent(shares[i])})`).join(", ")}
}

// work: one thing at a time; what is begun ends what went before

async function busily(what, work) {
  working?.abort()
  const mine = working = new AbortController()
  $("stop").hidden = false
  say(what)
  const end = await work(mine.signal).then(() => "done", told)
  if (working !== mine) return
  working = null
  $("stop").hidden = true
  say(end)
}

const say = text => { $("status").textContent = text }

function told(error) {
  if (error.status === 401) { $("locked").hidden = false; $("key").focus() }
  return error.name === "AbortError" ? "stopped" : error.message
}

// the conversation

async function send() {
  const text = $("text").value
  if (!text.trim() && (model.chat || !turns.length)) return
  const turn = {prompt: [], branches: [[]], shown: 0}
  turns.push({text}, turn)
  const question = model.chat ? {messages: turns.slice(0, -1).map(message)} : {text: turns.map(content).join("")}
  $("text").value = ""
  chosen = null
  render()
  await busily("reading …", async signal => {
    try {
      turn.prompt = (await answer("/page/prompt", question, signal)).ids
    } catch (error) {
      takeBack(turn, text)
      throw error
    }
    await write(turn, signal)
  })
}

function takeBack(turn, text) {
  if (turns.at(-1) !== turn) return
  turns.splice(-2)
  $("text").value = text
  render()
}

// Go on writing the shown branch of a turn.
async function write(turn, signal) {
  say("writing …")
  const tokens = shown(turn)
  const names = ["temperature", "top_p", "max_tokens", "seed"]
  const settings = Object.fromEntries(names.map(name => [name, number(name)]))
  const prompt = [...turn.prompt, ...tokens.map(token => token.id)]
  const body = {model: model.id, prompt, stream: true, logprobs: 10, ...settings}
  for await (const event of events(await ask("/v1/completions", body, signal))) {
    const [{text, logprobs}] = event.choices
    tokens.push({id: logprobs.ids[0], text, name: logprobs.tokens[0], top: logprobs.top[0]})
    if (shown(turn) === tokens) add(turn, tokens.length - 1)
  }
}

// Another token in the place of the chosen one, and on from there.
async function branch(candidate) {
  const {turn, index} = chosen, old = shown(turn)
  turns.length = turns.indexOf(turn) + 1
  const text = partOfCharacter(candidate.token) ? "" : candidate.token
  turn.branches.push([...old.slice(0, index), {id: candidate.id, text, name: candidate.token, top: old[index].top}])
  turn.shown = turn.branches.length - 1
  render()
  choose(turn, index)
  if (candidate.bytes.length) await busily("writing …", signal => write(turn, signal))
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
  const show = () => { working?.abort(); turn.shown = i; chosen = null; turns.length = turns.indexOf(turn) + 1; render() }
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

// what a token might have been, and what it looks at

function choose(turn, index) {
  chosen = {turn, index}
  document.querySelectorAll(".token[aria-pressed]").forEach(span => span.removeAttribute("aria-pressed"))
  const span = spans(turn)[index]
  span.setAttribute("aria-pressed", "true")
  span.focus()
  inspect()
}

function inspect() {
  const token = chosen && shown(chosen.turn)[chosen.index]
  $("bars").replaceChildren(...(token ? bars(token.top, token.id, branch) : []))
}

// The ids up to the chosen token, itself included or not; without one, all there are.
function context(included) {
  const turn = chosen?.turn ?? turns.at(-1)
  if (!turn) throw new Error("there is no text yet; send some first")
  const tokens = chosen ? shown(turn).slice(0, chosen.index + included) : shown(turn)
  return [...turn.prompt, ...tokens.map(token => token.id)]
}

async function search(signal) {
  const question = {ids: context(0), beams: number("width"), steps: number("depth")}
  const {steps, found} = await answer("/page/beams", question, signal)
  $("tree").replaceChildren(tree(steps, found))
  $("tree").tabIndex = 0
  $("found").replaceChildren(...continuations(found))
}

async function look(signal) {
  seen = await answer("/page/attention", {ids: context(1)}, signal)
  options($("layer"), seen.weights.length)
  options($("head"), seen.weights[0].length)
  showAttention()
}

function options(select, count) {
  const old = select.value
  select.replaceChildren(new Option("mean", ""), ...Array.from({length: count}, (_, i) => new Option(i + 1, i)))
  select.value = old
}

function showAttention() {
  if (!seen) return
  const {spans, most} = attended(seen, $("layer").value, $("head").value)
  $("seen").replaceChildren(...spans)
  $("most").textContent = most
}

// mouse and keyboard

const onSubmit = (form, act) => $(form).addEventListener("submit", event => { event.preventDefault(); act() })
onSubmit("ask", send)
onSubmit("search", () => busily("searching …", search))
onSubmit("look", () => busily("looking …", look))
$("text").addEventListener("keydown", event => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); send() }
})
$("stop").addEventListener("click", () => working?.abort())
$("anew").addEventListener("click", () => { working?.abort(); turns.length = 0; chosen = null; render(); $("text").focus() })
for (const id of ["layer", "head"]) $(id).addEventListener("change", showAttention)
$("key").addEventListener("change", () => { access.key = $("key").value; start() })

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
  const buttons = [...$("bars").querySelectorAll("button")]
  const to = {ArrowDown: 1, ArrowUp: -1}[event.key]
  if (to) buttons[buttons.indexOf(event.target) + to]?.focus()
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
    say(told(error))
  }
}

start()
