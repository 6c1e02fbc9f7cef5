// node tools/judges/replay.ts FILE [path to prism]
// Replays recorded responses (record.ts) through Prism as a validating proxy and prints every
// violation. A violation in a request counts only if the server accepted it: then the document is
// too strict.
import { spawn } from 'node:child_process'
import { createReadStream } from 'node:fs'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createInterface } from 'node:readline'
import type { Recorded } from './record.ts'

const [file = '', prism = 'prism'] = process.argv.slice(2)
const PORT = 4_010
const CONCURRENCY = 8

interface Violation {
  location: string[]
  severity: string
  code: string
  message: string
}

/** Recorded responses by the number that the replayed request carries in X-Recorded. */
const answers = new Map<string, Recorded>()
const server = createServer((request, response) => {
  const { status, headers, body } = answers.get(String(request.headers['x-recorded'])) as Recorded
  const { 'transfer-encoding': _, ...sent } = headers
  response.writeHead(status, sent).end(Buffer.from(body, 'base64'))
})
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
const upstream = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/v1`
const proxy = spawn(prism, ['proxy', 'openapi.json', upstream, '--port', String(PORT), '--host', '127.0.0.1'], {
  stdio: 'ignore',
})
process.once('exit', () => proxy.kill())

const seen = new Map<string, number>()
const count = (what: string) => seen.set(what, (seen.get(what) ?? 0) + 1)
const running = new Set<Promise<void>>()
let number = 0
for await (const line of createInterface(createReadStream(file))) {
  const recorded = JSON.parse(line) as Recorded
  const reason = reasonToSkip(recorded)
  if (reason) {
    count(`skipped: ${reason}`)
    continue
  }
  const run = replay(recorded, String(number++))
  running.add(run)
  void run.finally(() => running.delete(run))
  if (running.size >= CONCURRENCY) await Promise.race(running)
}
await Promise.all(running)
proxy.kill()
server.close()
console.log(`${number} answers`)
for (const [what, times] of [...seen].sort(([, a], [, b]) => b - a)) console.log(`${times} × ${what}`)

async function replay(recorded: Recorded, name: string): Promise<void> {
  answers.set(name, recorded)
  const { status, violations, text } = await send(recorded, name)
  answers.delete(name)
  const path = recorded.url
    .split('?')[0]
    ?.replace(/[\da-f]{8}-[\da-f-]{27}/g, '{id}')
    .replace(/^\/api\/v1/, '')
  const call = `${recorded.method} ${path}`
  if (status !== recorded.status) count(`${call}: Prism answered ${status} instead of ${recorded.status}: ${text}`)
  for (const { location, code, message } of violations) {
    const [place] = location
    if (place === 'response' || recorded.status < 400)
      count(`${call} ${recorded.status}: ${location.join('.')}: ${code}: ${message}`)
  }
}

function reasonToSkip({ method, url, status, headers }: Recorded): string | undefined {
  if (/^\/api\/v1\/(things|books?|genres)\b/.test(url)) return 'described by another document'
  if (method === 'HEAD') return 'HEAD: Prism expects a body and answers 500'
  if (String(headers['content-type']).startsWith('text/event-stream')) return 'a stream: Prism parses it as JSON'
  if (status < 400 && /[?&]fields=/.test(url)) return '`fields` omits required properties (docs/decisions/0001)'
  try {
    decodeURIComponent(url)
  } catch {
    return 'a URL that does not decode: Prism crashes with a URIError'
  }
}

function violationsIn(header: string): Violation[] {
  try {
    return JSON.parse(header)
  } catch {
    // Prism truncates a long list, so that it is no longer JSON.
    return [{ location: ['response'], severity: 'Error', code: 'many', message: header }]
  }
}

/** Sends a recorded request to Prism. Retries until Prism listens. */
function send(recorded: Recorded, name: string): Promise<{ status: number; violations: Violation[]; text: string }> {
  const { method, url, requestHeaders, requestBody } = recorded
  // Prism serves the paths of the document without the base path.
  const path = url.replace('/api/v1', '') || '/'
  // Rejected requests are sent without their content: only the response matters, and some of them
  // crash Prism.
  const accepted = recorded.status < 400
  const headers = ['X-Recorded', name, ...(accepted ? requestHeaders : ['Host', 'recorded', 'Content-Length', '0'])]
  const body = accepted ? Buffer.from(requestBody, 'base64') : Buffer.alloc(0)
  return new Promise((resolve) => {
    const sent = request(
      { port: PORT, host: '127.0.0.1', method, path, headers, timeout: 10_000 },
      async (response) => {
        const chunks: Buffer[] = []
        for await (const chunk of response) chunks.push(chunk)
        const violations = violationsIn(String(response.headers['sl-violations'] ?? '[]'))
        resolve({ status: response.statusCode ?? 0, violations, text: Buffer.concat(chunks).toString().slice(0, 300) })
      },
    )
    sent.once('timeout', () => sent.destroy(new Error(`no answer to ${method} ${url}`)))
    sent.once('error', (error) => {
      if ((error as { code?: string }).code !== 'ECONNREFUSED')
        return resolve({ status: 0, violations: [], text: String(error) })
      setTimeout(() => resolve(send(recorded, name)), 500)
    })
    sent.end(body)
  })
}
