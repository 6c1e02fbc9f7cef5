/**
 * npm run test:long -- [--events N] [--kills N] [--trials N] [--requests N] [--rounds N]
 *                       [--hostile N] [--documents N] [--draws N]
 *                       [--exported N] [--imported N] [--recorded SECONDS] [--seed N]
 * Runs the long tests one after another: soak, removals, fuzz, notifications, stops under load,
 * hostile connections, documents and requests, the package, uploads, outages of PostgreSQL,
 * failovers, histories, export and import, the access matrix through every door, and the property
 * tests with many draws. Prints the seed and a verdict for each. Uses PostgreSQL if
 * TEST_DATABASE_URL is set, else the embedded database. Exit code 1 if one failed.
 */
import { spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { parseArgs } from 'node:util'

const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '50000' },
    kills: { type: 'string', default: '10' },
    trials: { type: 'string', default: '500' },
    requests: { type: 'string', default: '100000' },
    hostile: { type: 'string', default: '5000' },
    rounds: { type: 'string', default: '100' },
    documents: { type: 'string', default: '500' },
    draws: { type: 'string', default: '2000' },
    exported: { type: 'string', default: '1000000' },
    imported: { type: 'string', default: '100000' },
    recorded: { type: 'string', default: '1800' },
    seed: { type: 'string', default: String(randomInt(2 ** 31)) },
  },
})
const { events, kills, trials, requests, hostile, rounds, documents, draws, exported, imported, recorded, seed } =
  values
const project = process.env.TEST_DATABASE_URL ? 'postgres' : 'embedded'

interface Run {
  name: string
  command: string[]
  environment?: Record<string, string>
}

const runs: Run[] = [
  { name: 'soak', command: ['node', 'test/long/soak.ts', events, kills, seed] },
  { name: 'removals', command: ['node', 'test/long/removals.ts', trials, seed] },
  { name: 'fuzz', command: ['node', 'test/long/fuzz.ts', requests, seed] },
  { name: 'notifications', command: ['node', 'test/long/notifications.ts', kills, seed] },
  { name: 'shutdown', command: ['node', 'test/long/shutdown.ts', rounds] },
  { name: 'hostile connections', command: ['node', 'test/long/hostile-connections.ts'] },
  { name: 'hostile documents', command: ['node', 'test/long/hostile-documents.ts', documents, seed] },
  { name: 'hostile requests', command: ['node', 'test/long/hostile-requests.ts', hostile, seed] },
  { name: 'package', command: ['node', 'test/long/package.ts'] },
  { name: 'uploads', command: ['node', 'test/long/uploads.ts', '1024', '100', '10000', seed] },
  { name: 'data folder', command: ['node', 'test/long/data-dir.ts'] },
  ...(process.env.TEST_DATABASE_URL
    ? [
        { name: 'outages', command: ['node', 'test/long/outages.ts'] },
        { name: 'failover', command: ['node', 'test/long/failover.ts'] },
        { name: 'failover with losses', command: ['node', 'test/long/failover.ts', '--async'] },
        { name: 'history', command: ['node', 'test/long/history.ts', recorded, '--seed', seed] },
        // Needs root and HAProxy too.
        { name: 'container', command: ['node', 'test/long/container.ts'] },
        { name: 'transfer', command: ['node', 'test/long/transfer.ts', exported, imported] },
      ]
    : []),
  {
    name: 'access through every door',
    command: ['vitest', 'run', '--project', project, 'test/access'],
    environment: { EVERY_DOOR: '1' },
  },
  {
    name: 'properties',
    command: ['vitest', 'run', '--project', project, 'property.test', 'database/reads', 'database/writes'],
    environment: { TEST_DRAWS: draws, TEST_SEED: seed },
  },
]

console.log(`seed ${seed}, ${project} database`)
const verdicts: string[] = []
for (const { name, command, environment } of runs) {
  console.log(`\n${name}: ${command.join(' ')}`)
  const started = performance.now()
  const [program = '', ...args] = command
  const child = spawn(program, args, { stdio: 'inherit', env: { ...process.env, ...environment } })
  const [code] = await once(child, 'exit')
  if (code !== 0) process.exitCode = 1
  verdicts.push(`${code === 0 ? 'ok    ' : 'FAILED'} ${name} (${Math.round((performance.now() - started) / 1000)} s)`)
}
const sizes = Object.entries(values).map(([name, value]) => `--${name} ${value}`)
console.log(`\n${verdicts.join('\n')}\nTo repeat it: npm run test:long -- ${sizes.join(' ')}`)
