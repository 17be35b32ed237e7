// What the page asks its server, and how the answers come: whole, or as a stream of events.

export const access = {key: ""}

export async function ask(path, body, signal) {
  const headers = {"Content-Type": "application/json"}
  if (access.key) headers.Authorization = `Bearer ${access.key}`
  const response = await fetch(path, body ? {method: "POST", headers, body: JSON.stringify(body), signal} : {headers})
  if (response.ok) return response
  const content = await response.json().catch(() => null)
  const error = new Error(content?.error.message ?? `the server said ${response.status}`)
  throw Object.assign(error, {status: response.status})
}

export const answer = async (path, body, signal) => (await ask(path, body, signal)).json()

// The content of each server-sent event, up to [DONE].
export async function* events(response) {
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
