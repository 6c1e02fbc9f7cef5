/**
 * node bench/speed/limits.ts [rounds]
 * Measures what the limits cost: CPU time of a request with every limit at its default, next to one
 * with rate limits off and all other limits out of reach. Two servers on one database take turns of
 * a second; a third one does the work in the background. Needs the packages that `npm run bench`
 * installs, and the same PostgreSQL. Exit code 1 if a request takes over 3 % more CPU time on average.
 */
import { prepareDatabase } from './data.ts'
import { measure } from './load.ts'
import { type RunningServer, startServer, TASKWIRE } from './servers.ts'
import { type BenchRequest, requestsOf, WORK } from './work.ts'
import { readWorld } from './world.ts'

const POSTGRES = process.env.TEST_DATABASE_URL ?? 'postgres://postgres@127.0.0.1:5432/postgres'
const ROWS = 100_000
const ITEMS = ['byId', 'list', 'relations', 'update', 'restById', 'restList', 'restCreate']
const LOAD = { connections: 16, seconds: 1 }
const MAX_COST = 1.03
const OUT_OF_REACH = {
  ALIAS_LIMIT: '5000',
  ANSWER_LIMIT: '100000000',
  ANSWER_OBJECT_LIMIT: '10000000',
  COMPLEXITY_LIMIT: '10000000',
  DOCUMENT_LIMIT: '1048576',
  MAX_OPERATIONS_PER_USER: '1000000',
  RATE_LIMIT: 'off',
  VALUE_LIMIT: '1000000',
}

const rounds = Number(process.argv[2] ?? 12)
const database = await prepareDatabase(POSTGRES, ROWS)
const world = await readWorld(database)
// The first server on a database sends the notifications, which costs it CPU time.
const background = await startServer({ ...TASKWIRE, name: 'background' }, database)
const limited = await startServer({ ...TASKWIRE, name: 'limits-on', environment: { RATE_LIMIT: 'on' } }, database)
const unlimited = await startServer({ ...TASKWIRE, name: 'limits-off', environment: OUT_OF_REACH }, database)

const ratios: number[] = []
try {
  for (const item of WORK.filter(({ name }) => ITEMS.includes(name))) {
    const cost = await compare(requestsOf(item, world))
    ratios.push(cost)
    console.log(`${item.name.padEnd(12)} ${cost.toFixed(3)} of the CPU time without limits`)
  }
} finally {
  await Promise.all([limited, unlimited, background].map((server) => server.stop()))
}
const mean = Math.exp(ratios.reduce((sum, ratio) => sum + Math.log(ratio), 0) / ratios.length)
console.log(`on average   ${mean.toFixed(3)}`)
process.exitCode = mean <= MAX_COST ? 0 : 1

/**
 * Returns CPU time with limits divided by CPU time without: the ratio of lower quartiles, as what
 * else the machine does only adds to a time.
 */
async function compare(requests: readonly BenchRequest[]): Promise<number> {
  for (const server of [limited, unlimited]) await measure(server, requests, { ...LOAD, seconds: 3 })
  const times = new Map<RunningServer, number[]>([
    [limited, []],
    [unlimited, []],
  ])
  for (let round = 0; round < rounds; round++) {
    const order = round % 2 === 0 ? [limited, unlimited] : [unlimited, limited]
    for (const server of order) times.get(server)?.push(await cpuTime(server, requests))
  }
  return lowerQuartile(times.get(limited)) / lowerQuartile(times.get(unlimited))
}

function lowerQuartile(times: readonly number[] = []): number {
  return times.toSorted((one, other) => one - other)[times.length >> 2] ?? Number.NaN
}

async function cpuTime(server: RunningServer, requests: readonly BenchRequest[]): Promise<number> {
  const { cpu, failures } = await measure(server, requests, LOAD)
  if (failures > 0) throw new Error(`${failures} requests failed. See bench/speed/results/.`)
  return cpu
}
