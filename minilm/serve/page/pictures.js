// Pictures of numbers: probabilities as bars, a beam search as a tree, attention as colour. They know nothing of the page.

export function element(tag, properties = {}, ...children) {
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
export const partOfCharacter = name => name.startsWith("bytes:")
export const visible = name => name === "" ? "end" : name.replaceAll(" ", "␣").replaceAll("\n", "⏎").replaceAll("\t", "⇥")
const percent = p => `${(100 * p).toFixed(p < 0.1 ? 1 : 0)} %`

// A button for each token that might stand there, with its probability; the one that does is marked.
export function bars(candidates, id, onchoice) {
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

export function tree(steps, found) {
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

export const continuations = found => found.map(({text, logprob}) =>
  element("li", {}, element("code", {}, visible(text)), ` ${logprob.toFixed(2)}`))

// attention: weights (L, H, T); of a layer and a head by their numbers, or the mean if they are ""

const mean = rows => rows[0].map((_, i) => rows.reduce((sum, row) => sum + row[i], 0) / rows.length)
const pick = (rows, number) => number === "" ? rows : [rows[number]]

// The tokens, the darker the more they are looked at, and in words those that are most.
export function attended({tokens, weights}, layer, head) {
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
