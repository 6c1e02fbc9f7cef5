/** Collects measurements and reports their medians. */
import { mkdir, writeFile } from 'node:fs/promises'
import { availableParallelism, cpus } from 'node:os'
import type { Measurement } from './load.ts'
import type { Options } from './options.ts'
import { RESULTS } from './servers.ts'
import type { WorkItem } from './work.ts'

export interface Summary {
  item: string
  description: string
  protocol: string
  connections: number
  /** By server name. */
  servers: Record<string, Measurement>
  /** Requests per second of Taskwire divided by those of each peer. */
  ratios: Record<string, number>
}

/** One measurement of one server in one round. */
export interface Sample {
  item: WorkItem
  connections: number
  server: string
  measured: Measurement
}

/** Returns the median of all rounds for each work item and number of connections. */
export function summarize(samples: readonly Sample[]): Summary[] {
  const groups = Map.groupBy(samples, ({ item, connections }) => `${item.name} ${connections}`)
  return [...groups.values()].flatMap((group) => {
    const [first] = group
    if (!first) return []
    const { item, connections } = first
    const { name, description, protocol } = item
    const byServer = Map.groupBy(group, ({ server }) => server)
    const servers = Object.fromEntries(
      [...byServer].map(([name, rounds]) => [name, medians(rounds.map(({ measured }) => measured))]),
    )
    const own = servers.taskwire?.perSecond ?? 0
    const ratios = Object.fromEntries(
      Object.entries(servers).flatMap(([name, { perSecond }]) =>
        name === 'taskwire' ? [] : [[name, own / perSecond] as const],
      ),
    )
    return [{ item: name, description, protocol, connections, servers, ratios }]
  })
}

function medians(rounds: readonly Measurement[]): Measurement {
  const median = (pick: (one: Measurement) => number) => rounds.map(pick).sort((a, b) => a - b)[rounds.length >> 1] ?? 0
  return {
    perSecond: median((one) => one.perSecond),
    p50: median((one) => one.p50),
    p99: median((one) => one.p99),
    cpu: median((one) => one.cpu),
    failures: rounds.reduce((sum, one) => sum + one.failures, 0),
  }
}

/** One line per server, under the line of its work item. */
export function table(summaries: readonly Summary[]): string {
  const lines = summaries.flatMap(({ item, description, protocol, connections, servers, ratios }) => [
    '',
    `${item}: ${description} (${protocol}, ${connections} ${connections === 1 ? 'connection' : 'connections'})`,
    ...Object.entries(servers).map(([name, { perSecond, p50, p99, cpu, failures }]) =>
      [
        `  ${name.padEnd(14)}`,
        `${perSecond.toFixed(0).padStart(7)} req/s`,
        `p50 ${p50.toFixed(2).padStart(7)} ms`,
        `p99 ${p99.toFixed(2).padStart(7)} ms`,
        Number.isNaN(cpu) ? '' : `CPU ${cpu.toFixed(2).padStart(6)} ms`,
        ratios[name] === undefined ? '' : `Taskwire ${ratios[name].toFixed(2)} x`,
        failures === 0 ? '' : `${failures} FAILED`,
      ]
        .join('  ')
        .trimEnd(),
    ),
  ])
  return lines.join('\n')
}

export async function writeResults(
  summaries: readonly Summary[],
  { rows, rounds, seconds }: Options,
  postgres: string,
): Promise<void> {
  const machine = { cpu: cpus()[0]?.model, cores: availableParallelism(), node: process.version, postgres }
  const report = { at: new Date().toISOString(), machine, rows, rounds, seconds, results: summaries }
  await mkdir(RESULTS, { recursive: true })
  await writeFile(`${RESULTS}latest.json`, `${JSON.stringify(report, undefined, 2)}\n`)
}
