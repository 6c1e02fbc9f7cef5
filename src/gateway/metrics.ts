import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { Observer } from './observation.ts'

/** Upper bounds in seconds. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

export interface Metrics {
  observe: Observer
  /** Adds a value that is read when the metrics are. NaN if that fails. */
  gauge(name: string, help: string, read: () => number | Promise<number>): void
  /** Returns all metrics in the text format of Prometheus. */
  text(): Promise<string>
  readonly contentType: string
}

/** Of the process: its servers share them. */
let shared: Registry | undefined

function processMetrics(): Registry {
  if (shared) return shared
  shared = new Registry()
  collectDefaultMetrics({ register: shared })
  return shared
}

/**
 * Counts requests and how long they take, by protocol and operation, and collects the metrics of the
 * process. Names begin with `prefix`. Labels have values of the schema only, and their number is
 * bounded by it.
 */
export function createMetrics(prefix: string): Metrics {
  const own = new Registry()
  const registers = [own]
  const requests = new Counter({
    name: `${prefix}_requests_total`,
    help: 'Requests and websocket operations that are over, by the code of their first error (ok if there is none).',
    labelNames: ['protocol', 'operation', 'code'],
    registers,
  })
  const durations = new Histogram({
    name: `${prefix}_request_duration_seconds`,
    help: 'Time to the end of the answer. Streams are not in it.',
    labelNames: ['protocol', 'operation'],
    buckets: BUCKETS,
    registers,
  })
  const statements = new Counter({
    name: `${prefix}_statements_total`,
    help: 'Database statements that requests have sent.',
    labelNames: ['protocol', 'operation'],
    registers,
  })
  processMetrics()
  return {
    observe({ protocol, operation = 'none', status, code = codeOf(status), isStream, duration, statements: sent }) {
      requests.inc({ protocol, operation, code })
      if (!isStream) durations.observe({ protocol, operation }, duration / 1_000)
      if (sent > 0) statements.inc({ protocol, operation }, sent)
    },
    gauge(name, help, read) {
      const gauge = new Gauge({
        name: `${prefix}_${name}`,
        help,
        registers,
        async collect() {
          try {
            gauge.set(await read())
          } catch {
            gauge.set(Number.NaN)
          }
        },
      })
    },
    text: () => Registry.merge([processMetrics(), own]).metrics(),
    contentType: own.contentType,
  }
}

/** Code of an answer that names none. A client that left before its answer is no error of ours. */
function codeOf(status: number | undefined): string {
  if (status === 0) return 'client_left'
  return status !== undefined && status >= 400 ? String(status) : 'ok'
}
