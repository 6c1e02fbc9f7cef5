/**
 * Whether lists cost the same over a million tasks as over ten thousand, and by which indexes. Needs TEST_DATABASE_URL, of a superuser;
 * makes two databases there and drops them.
 *
 *   node scripts/scale/check-lists.ts          checks, against the plans kept in plans.json
 *   node scripts/scale/check-lists.ts --keep   keeps the plans as they are
 */
import { readFile, writeFile } from 'node:fs/promises'
import { type Database, openDatabase } from '../../src/database/client.ts'
import { emptyPostgres } from '../../test/support/database.ts'
import { fill, MILLION, TEN_THOUSAND } from './fill.ts'
import { type Explained, explainList, runList } from './plan.ts'
import { longLists, type Shape, shapes, VIEWER } from './shapes.ts'

const KEPT = new URL('plans.json', import.meta.url)
/** Beyond these a list does not pass; they are the requirement's. */
const MOST_READ = 10
const MOST_GROWTH = 1.5
const MOST_LATER = 1.3
/** Runs of each, after as many as PostgreSQL and the server need to settle. */
const RUNS = 60
const WARM_UP = 15
const PAGE = 20

const viewerOf = ({ role }: Shape) => ({ id: VIEWER, role: role ?? ('MEMBER' as const) })
const problems: string[] = []
const require = (holds: boolean, problem: string) => void (holds || problems.push(problem))

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

/** Milliseconds that each takes, run in turn so that whatever else the machine does falls on all alike. */
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
    require(whole.length === 0, `${name} reads whole tables: ${whole.join(', ')}`)
    require(explained.rowsReturned > 0, `${name} finds nothing: it measures nothing`)
    const most = MOST_READ * Math.max(explained.rowsReturned, ranked)
    require(explained.rowsRead <= most, `${name} reads ${explained.rowsRead} rows, more than ${most}`)
    require((times[1] ?? 0) <=
      MOST_GROWTH * (times[0] ?? 0), `${name} costs ${ratio(...times)} times what it does with 10,000 tasks`)
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
    require(explained.rowsReturned === first.rowsReturned, `${name} has no ten-thousandth page`)
    require((times[1] ?? 0) <=
      MOST_LATER * (times[0] ?? 0), `page 10,000 of ${name} costs ${ratio(...times)} times page 1`)
  }
} finally {
  await large.close()
  await small.close()
}

const text = `${JSON.stringify(plans, undefined, 2)}\n`
if (process.argv.includes('--keep')) await writeFile(KEPT, text)
else
  require(text ===
    (await readFile(
      KEPT,
      'utf8',
    )), `the plans are not the kept ones: look at them, then keep them with --keep\n${text}`)
for (const problem of problems) console.error(problem)
process.exitCode = problems.length === 0 ? 0 : 1
