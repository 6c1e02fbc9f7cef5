/**
 * Measures how long a server takes from the start of its process to a good answer of /readyz, on the embedded database
 * with data in it. One of the starts has to stay below the limit, which machines stretch that are slower than those it was
 * set on, or busy: they are known by the time that a process takes which only loads packages, before and after each start.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const LIMIT_MS = 1_500
const LIMIT_YARDSTICKS = 7
const MAX_STARTS = 12
const YARDSTICK = ['@prisma/client/runtime/client', '@pothos/core', 'graphql-yoga', 'pino', 'zod']

const dataDir = await mkdtemp(join(tmpdir(), 'taskwire-start-'))

async function start(): Promise<number> {
  const started = performance.now()
  const child = spawn(process.execPath, ['src/main.ts'], {
    env: { PATH: process.env.PATH, PORT: '0', DATA_DIR: dataDir, LOG_LEVEL: 'info' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  for await (const chunk of child.stdout) {
    output += chunk
    const url = /"url":"([^"]+)"/.exec(output)?.[1]
    if (url && (await fetch(`${url}/readyz`)).ok) break
  }
  const taken = Math.round(performance.now() - started)
  const ended = child.exitCode === null ? once(child, 'exit') : undefined
  child.kill('SIGTERM')
  await ended
  return taken
}

async function yardstick(): Promise<number> {
  const started = performance.now()
  const load = YARDSTICK.map((name) => `await import('${name}')`).join(';')
  await once(spawn(process.execPath, ['--input-type=module', '--eval', load], { stdio: 'inherit' }), 'exit')
  return Math.round(performance.now() - started)
}

const first = await start()
const later: number[] = []
const yardsticks = [await yardstick()]
let good = false
// Another process may take the machine for a moment: one good start shows what the server can do.
while (!good && later.length < MAX_STARTS) {
  const taken = await start()
  later.push(taken)
  yardsticks.push(await yardstick())
  good = taken < Math.max(LIMIT_MS, LIMIT_YARDSTICKS * Math.min(...yardsticks.slice(-2)))
}
await rm(dataDir, { recursive: true, force: true })
console.log(`first start ${first} ms; with data ${later.join(', ')} ms; packages alone ${yardsticks.join(', ')} ms`)
if (!good) {
  console.error(
    `No start on existing data took less than ${LIMIT_MS} ms, or than ${LIMIT_YARDSTICKS} times what the packages alone took: ` +
      'look for what the server loads or does before it listens.',
  )
  process.exitCode = 1
}
