/** Sends requests over a number of connections, each as fast as it is answered, and measures. */
import { createHistogram } from 'node:perf_hooks'
import autocannon from 'autocannon'
import type { RunningServer } from './servers.ts'
import type { BenchRequest } from './work.ts'

export interface Load {
  connections: number
  seconds: number
}

export interface Measurement {
  perSecond: number
  /** Milliseconds. */
  p50: number
  p99: number
  failures: number
  /** Milliseconds of CPU that the server used per request, or NaN. */
  cpu: number
}

export async function measure(
  { url, cpuTime }: RunningServer,
  requests: readonly BenchRequest[],
  { connections, seconds }: Load,
): Promise<Measurement> {
  // autocannon's own histogram has a resolution of a millisecond.
  const microseconds = createHistogram()
  let graphqlErrors = 0
  let connection = 0
  const setupClient = (client: autocannon.Client) => {
    const start = connection++
    const own = requests.filter((_, index) => index % connections === start % requests.length)
    client.setRequests(own.map(httpRequest))
    client.on('body', (chunk) => {
      if (chunk.includes('"errors":[')) graphqlErrors++
    })
  }
  const before = await cpuTime()
  const result = await new Promise<autocannon.Result>((resolve, reject) => {
    const running = autocannon({ url, connections, duration: seconds, setupClient }, (error, result) =>
      error ? reject(error) : resolve(result),
    )
    running.on('response', (_client, _status, _bytes, milliseconds) => {
      microseconds.record(Math.max(1, Math.round(milliseconds * 1000)))
    })
  })
  const used = (await cpuTime()) - before
  return {
    perSecond: result.requests.total / result.duration,
    p50: microseconds.percentile(50) / 1000,
    p99: microseconds.percentile(99) / 1000,
    failures: result.errors + result.timeouts + result.non2xx + graphqlErrors,
    cpu: used / result.requests.total,
  }
}

function httpRequest({ method, path, token, body }: BenchRequest): autocannon.Request {
  const headers: Record<string, string> = { authorization: `Bearer ${token}`, accept: 'application/json' }
  if (!body) return { method, path, headers }
  return { method, path, headers: { ...headers, 'content-type': 'application/json' }, body: JSON.stringify(body) }
}
