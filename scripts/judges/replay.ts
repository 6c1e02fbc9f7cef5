// node scripts/judges/replay.ts file [path to prism]: gives the recorded answers (record.ts) again, through Prism as a proxy, and
// prints what Prism finds in them. Of requests it prints only what it would refuse and the server took: those are untruths as well.
import { spawn } from 'node:child_process'
import { createReadStream } from 'node:fs'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createInterface } from 'node:readline'
import type { Recorded } from './record.ts'

const [file = '', prism = 'prism'] = process.argv.slice(2)
const PORT = 4_010
const AT_ONCE = 8

interface Violation {
  location: string[]
  severity: string
  code: string
  message: string
}

/** What the server says next time it is asked with a number. */
const answers = new Map<string, Recorded>()
const server = createServer((asked, response) => {
  const { status, headers, body } = answers.get(String(asked.headers['x-recorded'])) as Recorded
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
  const leftOut = reasonToLeaveOut(recorded)
  if (leftOut) {
    count(`left out: ${leftOut}`)
    continue
  }
  const run = replay(recorded, String(number++))
  running.add(run)
  void run.finally(() => running.delete(run))
  if (running.size >= AT_ONCE) await Promise.race(running)
}
await Promise.all(running)
proxy.kill()
server.close()
console.log(`${number} answers`)
for (const [what, times] of [...seen].sort(([, a], [, b]) => b - a)) console.log(`${times} × ${what}`)

async function replay(recorded: Recorded, name: string): Promise<void> {
  answers.set(name, recorded)
  const { status, violations, text } = await ask(recorded, name)
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

function reasonToLeaveOut({ method, url, status, headers }: Recorded): string | undefined {
  if (/^\/api\/v1\/(things|books?|genres)\b/.test(url)) return 'of another document than ours'
  if (method === 'HEAD') return 'HEAD: Prism reads a body where there is none, and answers 500'
  if (String(headers['content-type']).startsWith('text/event-stream')) return 'a stream: Prism reads it as JSON'
  if (status < 400 && /[?&]fields=/.test(url)) return '`fields` leaves out what is required (docs/decisions/0001)'
  try {
    decodeURIComponent(url)
  } catch {
    return 'an address that cannot be decoded: Prism itself ends with an URIError'
  }
}

function violationsIn(header: string): Violation[] {
  try {
    return JSON.parse(header)
  } catch {
    // Of too many it tells some, as text.
    return [{ location: ['response'], severity: 'Error', code: 'many', message: header }]
  }
}

/** Waits for Prism to listen, too. */
function ask(recorded: Recorded, name: string): Promise<{ status: number; violations: Violation[]; text: string }> {
  const { method, url, requestHeaders, requestBody } = recorded
  // Prism serves the paths of the document as they stand there.
  const path = url.replace('/api/v1', '') || '/'
  // A request that the server refused is of no account, and some of those Prism does not survive.
  const taken = recorded.status < 400
  const headers = ['X-Recorded', name, ...(taken ? requestHeaders : ['Host', 'recorded', 'Content-Length', '0'])]
  const body = taken ? Buffer.from(requestBody, 'base64') : Buffer.alloc(0)
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
      setTimeout(() => resolve(ask(recorded, name)), 500)
    })
    sent.end(body)
  })
}
