/**
 * Checks that a list costs the same with a million tasks as with ten thousand, and which indexes
 * it uses. Creates two databases and drops them. TEST_DATABASE_URL must name a superuser.
 *
 *   node bench/scale/lists.ts          compares the plans with plans.json
 *   node bench/scale/lists.ts --keep   writes plans.json
 */
import { readFile, writeFile } from 'node:fs/promises'
import { type Database, openDatabase } from '../../src/database/client.ts'
import { emptyPostgres } from '../../test/support/database.ts'
import { fill, MILLION, TEN_THOUSAND } from '../../test/support/scale/fill.ts'
import { type Explained, explainList, runList } from '../../test/support/scale/plan.ts'
import { longLists, type Shape, shapes, VIEWER } from '../../test/support/scale/shapes.ts'

const PLANS = new URL('plans.json', import.meta.url)
/**
 * Limits: rows read per row returned; slowdown with 100 times the tasks; slowdown of page 10,000.
 */
const MAX_ROWS_READ = 10
const MAX_GROWTH = 1.5
const MAX_DEEP_PAGE = 1.3
/** Measured runs of each list, after the warm-up. */
const RUNS = 60
const WARM_UP = 15
const PAGE = 20

const viewerOf = ({ role }: Shape) => ({ id: VIEWER, role: role ?? ('MEMBER' as const) })
const problems: string[] = []
const expect = (holds: boolean, problem: string) => void (holds || problems.push(problem))

async function filled(scale: typeof MILLION) {
  const database = await emptyPostgres()
  const handle = await openDatabase({ url: database.url, dataDir: '', poolSize: 1 })
  const started = performance.now()
  await fill(database.url, scale)
  console.log(
    `${scale.tasks} tasks in ${scale.projects} projects in ${Math.round((performance.now() - started) / 1000)} s`,
  )
  const close = async () => {
    await handle.close()
    await database.drop()
  }
  return { db: handle.db, parent: await someParent(handle.db), close }
}

async function someParent(db: Database): Promise<string> {
  const where = { parentId: { not: null }, project: { memberships: { some: { userId: VIEWER } } } }
  return (await db.task.findFirstOrThrow({ where, select: { parentId: true } })).parentId ?? ''
}

/**
 * Returns the median milliseconds of each function. Runs them in turn, so that load on the machine
 * affects all alike.
 */
async function compare(runs: readonly (() => Promise<unknown>)[]): Promise<number[]> {
  const times = runs.map((): number[] => [])
  for (let round = 0; round < WARM_UP + RUNS; round++) {
    for (const [index, run] of runs.entries()) {
      const started = performance.now()
      await run()
      if (round >= WARM_UP) times[index]?.push(performance.now() - started)
    }
  }
  return times.map((one) => one.toSorted((a, b) => a - b)[one.length >> 1] ?? 0)
}

const ratio = (a = 0, b = 0) => (b / a).toFixed(2)

function report(
  name: string,
  { reads, rowsRead, rowsReturned }: Explained,
  times: readonly number[],
  [a, b]: readonly string[],
) {
  const [first = 0, second = 0] = times
  console.log(
    `${name.padEnd(48)} ${a} ${first.toFixed(2)} ms, ${b} ${second.toFixed(2)} ms (x ${ratio(first, second)}); ${rowsRead} rows read for ${rowsReturned}; ${reads.join(', ')}`,
  )
}

const small = await filled(TEN_THOUSAND)
const large = await filled(MILLION)
const plans: Record<string, string[]> = {}
try {
  for (const [index, shape] of shapes(large.parent).entries()) {
    const { name, args, ranked = 0 } = shape
    const smallArgs = shapes(small.parent)[index]?.args ?? args
    const times = await compare([
      () => runList(small.db, viewerOf(shape), smallArgs),
      () => runList(large.db, viewerOf(shape), args),
    ])
    const explained = await explainList(large.db, viewerOf(shape), args)
    report(name, explained, times, ['10,000:', '1,000,000:'])
    plans[name] = explained.reads
    const whole = explained.reads.filter((read) => read.endsWith('whole'))
    expect(whole.length === 0, `${name} reads whole tables: ${whole.join(', ')}`)
    expect(explained.rowsReturned > 0, `${name} returns no rows, so it measures nothing`)
    const most = MAX_ROWS_READ * Math.max(explained.rowsReturned, ranked)
    expect(explained.rowsRead <= most, `${name} reads ${explained.rowsRead} rows; the limit is ${most}`)
    expect(
      (times[1] ?? 0) <= MAX_GROWTH * (times[0] ?? 0),
      `${name} takes ${ratio(...times)} times as long as with 10,000 tasks`,
    )
  }
  for (const shape of longLists) {
    const { name, args } = shape
    const first = await explainList(large.db, viewerOf(shape), args)
    const offset = 9_998 * PAGE
    const { cursor: before } = await explainList(large.db, viewerOf(shape), { ...args, first: PAGE, offset })
    const later = { ...args, after: before ?? null }
    const times = await compare([
      () => runList(large.db, viewerOf(shape), args),
      () => runList(large.db, viewerOf(shape), later),
    ])
    const explained = await explainList(large.db, viewerOf(shape), later)
    report(name, explained, times, ['page 1:', 'page 10,000:'])
    plans[name] = explained.reads
    expect(explained.rowsReturned === first.rowsReturned, `${name} has no page 10,000`)
    expect(
      (times[1] ?? 0) <= MAX_DEEP_PAGE * (times[0] ?? 0),
      `page 10,000 of ${name} takes ${ratio(...times)} times as long as page 1`,
    )
  }
} finally {
  await large.close()
  await small.close()
}

const text = `${JSON.stringify(plans, undefined, 2)}\n`
if (process.argv.includes('--keep')) await writeFile(PLANS, text)
else
  expect(
    text === (await readFile(PLANS, 'utf8')),
    `the plans differ from plans.json. Review them, then run with --keep.\n${text}`,
  )
for (const problem of problems) console.error(problem)
process.exitCode = problems.length === 0 ? 0 : 1
