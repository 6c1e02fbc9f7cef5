/**
 * npm run bench [-- --only byId,list --peers mercurius --rows 100000 --rounds 3 --seconds 5
 *                   --connections 1,32,256 --chart]
 * Compares Taskwire with other servers on the same database. bench/README.md explains it.
 */
import { writeChart } from './chart.ts'
import { prepareDatabase, withClient } from './data.ts'
import { measure } from './load.ts'
import { readOptions } from './options.ts'
import { type Sample, summarize, table, writeResults } from './results.ts'
import { differences, sampleAnswers } from './same-answers.ts'
import { type RunningServer, type Server, startServer, TASKWIRE } from './servers.ts'
import { requestsOf, serves, translated } from './work.ts'
import { readWorld } from './world.ts'

/** Before each measurement, to let the server compile its code and fill its caches. */
const WARM_UP_SECONDS = 2

const options = readOptions()
const peers = options.peers.filter((peer) => options.items.some((item) => serves(peer, item)))
const servers = [TASKWIRE, ...peers]

/** Runs a server on a fresh copy of the database. */
async function withServer<T>(server: Server, use: (running: RunningServer) => Promise<T>): Promise<T> {
  const running = await startServer(server, await prepareDatabase(options.postgres, options.rows))
  try {
    return await use(running)
  } finally {
    await running.stop()
  }
}

const databaseUrl = await prepareDatabase(options.postgres, options.rows)
const world = await readWorld(databaseUrl)
const postgres = await withClient(databaseUrl, async (client) => {
  const { rows } = await client.query<{ server_version: string }>('SHOW server_version')
  return rows[0]?.server_version ?? ''
})

const expected = await withServer(TASKWIRE, ({ url }) => sampleAnswers(url, TASKWIRE, options.items, world))
for (const peer of peers) {
  const answers = await withServer(peer, ({ url }) => sampleAnswers(url, peer, options.items, world))
  const problems = differences(expected, peer.name, answers)
  if (problems.length === 0) continue
  console.error(problems.join('\n'))
  process.exit(1)
}
console.log(`The answers of ${servers.map(({ name }) => name).join(', ')} are the same.`)

const samples: Sample[] = []
for (let round = 0; round < options.rounds; round++) {
  // Another server begins each round, so that load on the machine affects all alike.
  const first = round % servers.length
  for (const server of [...servers.slice(first), ...servers.slice(0, first)]) {
    await withServer(server, async (running) => {
      for (const item of options.items.filter((one) => serves(server, one))) {
        const requests = requestsOf(item, world).map((request) => translated(server, request))
        for (const connections of options.connections) {
          await measure(running, requests, { connections, seconds: WARM_UP_SECONDS })
          const measured = await measure(running, requests, { connections, seconds: options.seconds })
          samples.push({ item, connections, server: server.name, measured })
        }
      }
    })
  }
  console.log(`Round ${round + 1} of ${options.rounds} is done.`)
}

const summaries = summarize(samples)
console.log(table(summaries))
for (const { name, checksLess } of peers) if (checksLess) console.log(`\n${name} checks less: ${checksLess}.`)
await writeResults(summaries, options, postgres)
if (options.chart) console.log(`\nWrote ${await writeChart(summaries)}`)
const failed = summaries.some(({ servers }) => Object.values(servers).some(({ failures }) => failures > 0))
process.exitCode = failed ? 1 : 0
