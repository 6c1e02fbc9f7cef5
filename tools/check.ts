/**
 * Runs what CI runs: `npm run check`. The static checks run in parallel and all report; the tests
 * follow when they pass. Prints the fix for each failed check. Exit code 1 if one failed.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { availableParallelism } from 'node:os'

interface Step {
  name: string
  command: string
  fix: string
}

/** Sorted by duration, the slowest first. */
const STATIC: Step[] = [
  { name: 'format and lint', command: 'biome ci --colors=off', fix: 'npm run format (what it leaves, fix by hand)' },
  { name: 'migrations', command: 'node tools/check-migrations.ts', fix: 'npm run migration -- NAME' },
  {
    name: 'types',
    command: 'tsc --noEmit && tsc --noEmit -p examples',
    fix: 'correct the types; npx tsc --noEmit --watch shows what is left',
  },
  {
    name: 'imports',
    command: 'depcruise src test tools bench prisma examples',
    fix: 'move the code to the folder it belongs to (rules: .dependency-cruiser.mjs)',
  },
  { name: 'contracts', command: 'node tools/contracts.ts --check', fix: 'npm run contracts' },
  { name: 'configuration docs', command: 'node tools/config-docs.ts --check', fix: 'npm run contracts' },
  {
    name: 'vocabulary',
    command: 'node tools/check-vocabulary.ts',
    fix: 'move domain code from gateway, database and events to src/modules',
  },
]

/** Run one after another, because they measure time or use both cores themselves. */
const SERIAL: Step[] = [
  { name: 'start-up time', command: 'node tools/check-start.ts', fix: 'find what the server loads before it listens' },
  { name: 'tests', command: 'vitest run', fix: 'npx vitest run FILE repeats one test file' },
]

const failed: Step[] = []
await Promise.all(Array.from({ length: Math.min(availableParallelism(), 4) }, runNext))
for (const step of SERIAL) {
  if (failed.length > 0) break
  console.log(`\n${step.name}: ${step.command}`)
  if (!(await run(step, 'inherit')).passed) failed.push(step)
}

for (const { name, fix } of failed) console.error(`\n${name} failed. To fix it: ${fix}`)
process.exitCode = failed.length === 0 ? 0 : 1

async function runNext(): Promise<void> {
  for (let step = STATIC.shift(); step; step = STATIC.shift()) {
    const { passed, seconds, output } = await run(step, 'pipe')
    console.log(`${passed ? 'ok    ' : 'FAILED'} ${step.name} (${seconds} s)`)
    if (passed) continue
    console.error(`${step.command}\n${output}`)
    failed.push(step)
  }
}

/** npm puts node_modules/.bin on the PATH; `output` is empty when it is inherited. */
async function run({ command }: Step, output: 'inherit' | 'pipe') {
  const started = performance.now()
  const child = spawn(command, { shell: true, stdio: ['inherit', output, output] })
  let text = ''
  const keep = (chunk: Buffer) => {
    text += chunk
  }
  child.stdout?.on('data', keep)
  child.stderr?.on('data', keep)
  const [code] = await once(child, 'close')
  return { passed: code === 0, seconds: ((performance.now() - started) / 1000).toFixed(1), output: text }
}
