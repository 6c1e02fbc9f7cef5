import { connect } from 'node:net'
import type { MeasuredServer } from '../../support/measured-server.ts'
import { createRandom } from '../../support/random.ts'
import { type Drawn, draw } from './draw.ts'

export interface HostileReport {
  sent: Record<Drawn['kind'], number>
  /** Number of answers by status; 0 for connections that were closed without one. */
  statuses: Record<number, number>
  /** Most CPU time that one of them took, in milliseconds. */
  slowest: number
  /** Each with its bytes. */
  problems: string[]
}

/** Limit for one request, in milliseconds of CPU. */
const MAX_CPU_MS = 50
/** A slow one is sent again as often, since the process does other work besides. */
const RETRIES = 3
/** A connection on which nothing more comes. */
const QUIET_MS = 60
const MAX_WAIT_MS = 1_000

/**
 * Sends random requests and websocket sessions one at a time. None may crash the server, take more
 * than 50 ms of its CPU, or get a 5xx other than 501 and 503, and each error has a body of a
 * documented type.
 */
export async function sendHostile(
  server: MeasuredServer,
  { seed, requests, token }: { seed: number; requests: number; token: string },
): Promise<HostileReport> {
  const random = createRandom(seed)
  const report: HostileReport = { sent: { http: 0, websocket: 0 }, statuses: {}, slowest: 0, problems: [] }
  for (let count = 0; count < requests; count++) {
    const drawn = draw(random, token)
    report.sent[drawn.kind]++
    const { answer, cpu } = await measured(server, drawn)
    const status = Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1] ?? 0)
    report.statuses[status] = (report.statuses[status] ?? 0) + 1
    report.slowest = Math.max(report.slowest, cpu)
    const problem = cpu > MAX_CPU_MS ? `took ${Math.round(cpu)} ms of CPU` : judge(answer)
    if (problem) report.problems.push(`${problem}: ${JSON.stringify(drawn.bytes.toString('latin1').slice(0, 1_000))}`)
  }
  return report
}

/** Sends it until it takes little CPU, which is what it costs by itself. */
async function measured(server: MeasuredServer, { bytes }: Drawn): Promise<{ answer: string; cpu: number }> {
  let least = { answer: '', cpu: Number.POSITIVE_INFINITY }
  for (let attempt = 0; attempt <= RETRIES && least.cpu > MAX_CPU_MS; attempt++) {
    const before = await server.cpu()
    const answer = await exchange(server.url, bytes)
    const cpu = (await server.cpu()) - before
    if (cpu < least.cpu) least = { answer, cpu }
  }
  return least
}

/** Returns what the server answers until it closes or nothing more comes. */
function exchange(url: string, bytes: Buffer): Promise<string> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname)
    let answer = ''
    let quiet: NodeJS.Timeout | undefined
    const latest = setTimeout(() => socket.destroy(), MAX_WAIT_MS)
    socket.setEncoding('latin1')
    socket.on('data', (text: string) => {
      answer = (answer + text).slice(0, 20_000)
      clearTimeout(quiet)
      quiet = setTimeout(() => socket.destroy(), QUIET_MS)
    })
    // A server that rejects a request may reset the connection while the rest is being sent.
    socket.on('error', () => socket.destroy())
    socket.once('close', () => {
      clearTimeout(latest)
      clearTimeout(quiet)
      resolve(answer)
    })
    socket.write(bytes)
  })
}

const ERROR_TYPE =
  /^content-type: (application\/(problem\+json|graphql-response\+json|json)|text\/event-stream|multipart\/mixed)/im

function judge(answer: string): string | undefined {
  if (answer !== '' && !answer.startsWith('HTTP/1.1 ')) return 'answer that is not HTTP'
  const [head = ''] = answer.split('\r\n\r\n')
  const status = Number(/^HTTP\/1\.1 (\d+)/.exec(head)?.[1] ?? 0)
  if (status >= 500 && status !== 501 && status !== 503) return `server error ${head}`
  if (status >= 400 && !ERROR_TYPE.test(head)) return `error of an undocumented type ${head}`
  if (status === 101 && answer.includes('Internal error')) return 'websocket closed with 4500'
  return undefined
}
