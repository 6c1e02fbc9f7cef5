import { v7 as uuidv7 } from 'uuid'
import { toAppError } from '../../../database/errors.ts'
import { retryOnDeadlock } from '../../../database/retry.ts'
import type { AppError } from '../../../gateway/errors.ts'
import type { Context } from '../../../request/context.ts'
import { requireViewer } from '../../../request/viewer.ts'
import { requireProject } from '../../projects/policy.ts'
import { insertImported, updateTasks } from '../bulk/statements.ts'
import { explainLinks } from '../link-errors.ts'
import { newTask } from '../service.ts'
import { lockTree } from '../tree.ts'
import { ensureLabels, type FoundParent, findKnown, findParents, findPeople, type KnownTask } from './look-up.ts'
import { externalName, type PlannedRow, planRow } from './plan.ts'
import type { Results, RowOutcome } from './results.ts'
import { checkRow, type FileRow, type ReadyRow } from './row.ts'

/** Rows whose keys are remembered, for rows below them. */
const MAX_REMEMBERED = 200_000

export interface ImportTarget {
  projectId: string
  dryRun: boolean
}

/** A row whose parent comes later in the file. */
interface Waiting {
  line: number
  taskId: string
  parentRef: string
  source: string | undefined
}

/** Writes rows in batches, each in a transaction of its own. */
export class Importer {
  readonly #ctx: Context
  readonly #target: ImportTarget
  readonly #results: Results
  /** Labels by name. */
  #labels = new Map<string, string>()
  /** Labels that a dry run would have made. */
  #planned = 0
  /** Tasks by the names that the file has for them. */
  readonly #refs = new Map<string, FoundParent>()
  /** Lines by external name, to find repetitions. */
  readonly #lines = new Map<string, number>()
  readonly #waiting: Waiting[] = []

  constructor(ctx: Context, target: ImportTarget, results: Results) {
    this.#ctx = ctx
    this.#target = target
    this.#results = results
  }

  /** Imports rows. Returns false once `stops` is set and a row has failed. */
  async take(rows: readonly FileRow[], stops: boolean): Promise<boolean> {
    // Again for each batch: the viewer may have lost the role meanwhile.
    await requireProject(this.#ctx, this.#target.projectId, 'EDITOR', ['projectId'])
    const ready: ReadyRow[] = []
    for (const row of rows) {
      const problem = this.#check(row, ready)
      if (problem === undefined) continue
      if (stops && problem.status === 'FAILED') {
        await this.#write(ready)
        this.#results.add(problem)
        return false
      }
      this.#results.add(problem)
    }
    const before = this.#results.failed
    await this.#write(ready)
    return !stops || this.#results.failed === before
  }

  #check(row: FileRow, ready: ReadyRow[]): RowOutcome | undefined {
    if (row.skipped !== undefined) return outcome(row, 'SKIPPED', null, row.skipped)
    const fields = checkRow(row)
    if (typeof fields === 'string') return outcome(row, 'FAILED', null, fields)
    const name = externalName(fields)
    if (name !== undefined) {
      const line = this.#lines.get(name)
      if (line !== undefined) return outcome(row, 'FAILED', null, `externalId: repeats line ${line}`)
      remember(this.#lines, name, row.line)
    }
    ready.push({ ...row, fields })
    return undefined
  }

  /** Writes valid rows. If the database refuses them together, each is written alone. */
  async #write(rows: readonly ReadyRow[]): Promise<void> {
    if (rows.length === 0) return
    try {
      await this.#writeBatch(rows)
    } catch (error) {
      const known = refusalOf(error)
      if (!known) throw error
      if (rows.length > 1) for (const row of rows) await this.#write([row])
      else for (const row of rows) this.#results.add(outcome(row, 'FAILED', null, known.message))
    }
  }

  async #writeBatch(rows: readonly ReadyRow[]): Promise<void> {
    const { dryRun } = this.#target
    const done = dryRun
      ? await this.#plan(this.#ctx, rows)
      : await retryOnDeadlock(this.#ctx.db, () =>
          this.#ctx.db.$transaction(
            async (tx) => {
              const within = this.#ctx.within(tx as Context['db'])
              await lockTree(within.db, rows.some(({ parentRef }) => parentRef !== undefined) ? 'alone' : null)
              const planned = await this.#plan(within, rows)
              await this.#apply(within, planned)
              return planned
            },
            { timeout: BATCH_TIMEOUT_MS },
          ),
        )
    // Only now is it certain.
    for (const { row, id, labels, depth } of done.rows) {
      for (const [name, label] of labels) this.#labels.set(name, label)
      if (row.ref !== undefined) remember(this.#refs, refName(row.ref, row.refSource), { id, depth })
    }
    this.#planned += done.made
    for (const one of done.rows) {
      if (one.waitsFor !== undefined && this.#waiting.length < MAX_REMEMBERED)
        this.#waiting.push({
          line: one.row.line,
          taskId: one.id,
          parentRef: one.waitsFor,
          source: one.row.refSource,
        })
      this.#results.add({ ...outcome(one.row, one.status, one.id, one.message), warnings: one.warnings })
    }
    if (!dryRun) this.#ctx.services.tail.wake({ keepsViewers: true })
  }

  async #plan(ctx: Context, rows: readonly ReadyRow[]): Promise<{ rows: PlannedRow[]; made: number }> {
    const { projectId, dryRun } = this.#target
    const viewer = requireViewer(ctx)
    const names = rows.flatMap(({ fields }) => fields.labels ?? []).filter((name) => !this.#labels.has(name))
    const { ids, made } = await ensureLabels(ctx, projectId, [...new Set(names)], {
      viewerId: viewer.id,
      dryRun,
      planned: this.#planned,
    })
    const addresses = rows.flatMap(({ fields }) => fields.assignees ?? []).map((one) => one.trim())
    const people = await findPeople(ctx.db, projectId, [...new Set(addresses)])
    const known = await this.#findKnown(ctx, rows)
    const parents = await this.#findParents(ctx, rows)
    const planned: PlannedRow[] = []
    const labels = new Map([...this.#labels, ...ids])
    for (const row of rows) {
      const one = planRow(row, {
        known: known.get(externalName(row.fields) ?? ''),
        newId: uuidv7,
        label: (name) => labels.get(name),
        person: (address) => people.get(address.trim()),
        parent: (ref) => parents.get(ref),
        newLabels: ids,
      })
      // Rows of this batch can be parents of later ones.
      if (row.ref !== undefined) parents.set(row.ref, { id: one.id, depth: one.depth })
      planned.push(one)
    }
    return { rows: planned, made }
  }

  async #findKnown(ctx: Context, rows: readonly ReadyRow[]): Promise<Map<string, KnownTask>> {
    const names = rows.flatMap(({ fields: { externalSource: source, externalId: ref } }) =>
      source != null && ref != null ? [{ source, ref }] : [],
    )
    const tasks = await findKnown(ctx.db, this.#target.projectId, names)
    return new Map(tasks.map((task) => [`${task.source}\n${task.ref}`, task]))
  }

  /** Finds the parents that the file has named before, or that the project has. */
  async #findParents(ctx: Context, rows: readonly ReadyRow[]): Promise<Map<string, FoundParent>> {
    const parents = new Map<string, FoundParent>()
    const unknown = new Map<string | null, Set<string>>()
    for (const row of rows) {
      if (row.parentRef === undefined) continue
      const found = this.#refs.get(refName(row.parentRef, row.refSource))
      if (found) parents.set(row.parentRef, found)
      else {
        const source = row.refSource ?? null
        unknown.set(source, (unknown.get(source) ?? new Set()).add(row.parentRef))
      }
    }
    for (const [source, refs] of unknown) {
      // Keys of a file are those of another server: they name rows of the file first.
      if (source === null && this.#refs.size > 0) continue
      for (const [ref, found] of await findParents(ctx.db, this.#target.projectId, [...refs], source))
        parents.set(ref, found)
    }
    return parents
  }

  async #apply(ctx: Context, { rows }: { rows: readonly PlannedRow[] }): Promise<void> {
    const viewer = requireViewer(ctx)
    const { projectId } = this.#target
    const created = rows.filter(({ status }) => status === 'CREATED')
    const updated = rows.filter(({ status }) => status === 'UPDATED')
    if (created.length > 0) {
      // Also locks the project, as each insertion does.
      await ctx.db.$executeRaw`SELECT reserve_task_numbers(${projectId}::uuid, ${created.length}::int)`
      await ctx.db.$executeRaw(
        insertImported(
          created.map(({ id, row: { fields }, links }) => ({
            id,
            ...newTask(viewer.id, projectId, fields, links),
            completedAt: fields.completedAt ?? null,
            externalSource: fields.externalSource ?? null,
            externalId: fields.externalId ?? null,
          })),
        ),
      )
    }
    if (updated.length > 0) {
      await ctx.db.$executeRaw(
        updateTasks(
          viewer.id,
          updated.map(({ id, patch }) => ({ id, patch })),
        ),
      )
    }
  }

  /** Puts rows below parents that came after them. Call it at the end of the file. */
  async finish(): Promise<void> {
    for (let start = 0; start < this.#waiting.length; start += PARENTS_AT_ONCE) {
      await this.#setParents(this.#waiting.slice(start, start + PARENTS_AT_ONCE))
    }
  }

  async #setParents(waiting: readonly Waiting[]): Promise<void> {
    const changes = waiting.flatMap((one) => {
      const parent = this.#refs.get(refName(one.parentRef, one.source))
      if (!parent) this.#results.warn(one.line, one.taskId, `parent: ${JSON.stringify(one.parentRef)} was not found`)
      return parent ? [{ ...one, parentId: parent.id }] : []
    })
    if (changes.length === 0 || this.#target.dryRun) return
    const viewer = requireViewer(this.#ctx)
    const write = (some: typeof changes) =>
      retryOnDeadlock(this.#ctx.db, () =>
        this.#ctx.db.$transaction(async (tx) => {
          await lockTree(tx, 'alone')
          await tx.$executeRaw(
            updateTasks(
              viewer.id,
              some.map(({ taskId, parentId }) => ({ id: taskId, patch: { parentId } })),
            ),
          )
        }),
      )
    try {
      await write(changes)
    } catch (error) {
      if (!refusalOf(error)) throw error
      for (const one of changes) {
        await write([one]).catch((refused: unknown) => {
          const known = refusalOf(refused)
          if (!known) throw refused
          this.#results.warn(one.line, one.taskId, `parent: ${known.message}`)
        })
      }
    }
  }
}

const BATCH_TIMEOUT_MS = 60_000
const PARENTS_AT_ONCE = 500

const refName = (ref: string, source: string | undefined): string => `${source ?? ''}\n${ref}`

function outcome(
  row: FileRow,
  status: RowOutcome['status'],
  taskId: string | null,
  message: string | null,
): RowOutcome {
  return { line: row.line, status, taskId, message, warnings: row.warnings ?? [] }
}

/** Forgets what was remembered first, so that memory is bounded. */
function remember<Value>(map: Map<string, Value>, name: string, value: Value): void {
  if (map.size >= MAX_REMEMBERED) {
    for (const first of map.keys()) {
      map.delete(first)
      break
    }
  }
  map.set(name, value)
}

/** Returns what the database refuses about a row. Undefined for any other failure, which ends the import. */
function refusalOf(error: unknown): AppError | undefined {
  const known = toAppError(explainLinks(error, []))
  return known && ['VALIDATION_FAILED', 'CONFLICT', 'NOT_FOUND'].includes(known.code) ? known : undefined
}
