import { setTimeout as wait } from 'node:timers/promises'

const WRITERS = 4
/** How long a stream may take to deliver what is written. */
const PATIENCE_MS = 60_000

interface Node {
  id: string
}

async function call(url: string, token: string, request: string, body?: object) {
  const [method = 'GET', path = '/'] = request.split(' ')
  const response = await fetch(`${url}/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) },
    body: body ? JSON.stringify(body) : null,
  })
  return { status: response.status, text: await response.text() }
}

/** Writes to all servers in turn: creates tasks, changes each on the next server, reads it there. */
export function write(servers: readonly string[], token: string) {
  const ids: string[] = []
  const failures: string[] = []
  let writing = true
  let turn = 0
  const next = () => servers[turn++ % servers.length] ?? ''

  async function expectStatus(status: number, request: string, body?: object): Promise<string> {
    const url = next()
    const answer = await call(url, token, request, body)
    if (answer.status !== status)
      failures.push(`${request} at server ${servers.indexOf(url)}: ${answer.status} ${answer.text}`)
    return answer.text
  }

  async function work(): Promise<void> {
    while (writing) {
      const created = JSON.parse(await expectStatus(201, 'POST /tasks', { title: 'A task' })) as Partial<Node>
      if (created.id === undefined) continue
      ids.push(created.id)
      await expectStatus(200, `PATCH /tasks/${created.id}`, { status: 'COMPLETED' })
      await expectStatus(201, `POST /tasks/${created.id}/comments`, { body: 'Done' })
      await expectStatus(200, `GET /tasks/${created.id}`)
    }
  }

  const all = Promise.all(Array.from({ length: WRITERS }, work))
  return {
    ids,
    failures,
    async until(count: number) {
      while (ids.length < count && failures.length === 0) await Promise.race([all, wait(20)])
    },
    async end() {
      writing = false
      await all
    },
  }
}

/** Follows what is created, from a cursor or from now. */
export function follow(url: string, token: string, from?: Promise<string>) {
  const seen = new Set<string>()
  const abort = new AbortController()
  const start =
    from ?? call(url, token, 'GET /events/cursor').then(({ text }) => (JSON.parse(text) as { cursor: string }).cursor)

  async function read(): Promise<void> {
    const response = await fetch(`${url}/api/v1/events/stream?after=${await start}`, {
      headers: { authorization: `Bearer ${token}`, accept: 'text/event-stream' },
      signal: abort.signal,
    })
    let text = ''
    const decoder = new TextDecoder()
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk as Uint8Array, { stream: true })
      const blocks = text.split('\n\n')
      text = blocks.pop() ?? ''
      for (const block of blocks) {
        const id = /^event: task\.created$/m.test(block) && /"taskId":"([^"]+)"/.exec(block)?.[1]
        if (id) seen.add(id)
      }
    }
  }
  const reading = read().catch(() => {})

  return {
    start,
    /** Waits for these tasks. Returns how many of them were streamed. */
    async complete(ids: readonly string[]): Promise<number> {
      const deadline = performance.now() + PATIENCE_MS
      while (ids.some((id) => !seen.has(id)) && performance.now() < deadline) await wait(20)
      abort.abort()
      await reading
      return ids.filter((id) => seen.has(id)).length
    },
  }
}

/** Returns the ids of all tasks. */
export async function readAll(url: string, token: string): Promise<string[]> {
  const ids: string[] = []
  for (let after = ''; ; ) {
    const { text } = await call(url, token, `GET /tasks?limit=100${after}`)
    const { nodes, pageInfo } = JSON.parse(text) as {
      nodes: Node[]
      pageInfo: { endCursor: string; hasNextPage: boolean }
    }
    ids.push(...nodes.map(({ id }) => id))
    if (!pageInfo.hasNextPage) return ids
    after = `&after=${pageInfo.endCursor}`
  }
}
