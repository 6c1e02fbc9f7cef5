import { Prisma, type PrismaClient } from '../../generated/prisma/client.ts'
import { createBatches, type RunText } from './batch.ts'
import {
  type ColumnTypes,
  type CompiledRead,
  type CompiledRow,
  compileRead,
  compileRow,
  compileUnique,
  Uncovered,
} from './compile.ts'
import { MODELS } from './models.ts'

type Args = Readonly<Record<string, unknown>>
type Find = (args?: Args) => Promise<unknown>
type Transaction = Pick<PrismaClient, '$queryRawUnsafe'>

interface ReadsOptions {
  /** Runs a statement outside of transactions. Its rows are typed as Prisma's raw queries type them. */
  run: <Row>(text: string, values: readonly unknown[]) => Promise<Row[]>
  types: ColumnTypes
}

const EMBED = Symbol('embed')
type Embed = (model: string, query: object) => CompiledRow | undefined

/**
 * Compiles a selection to an expression for another statement on this client; undefined if only
 * Prisma can load it. `model` is the name of a delegate, in lower camel case.
 */
export function embedRow<Row>(db: object, model: string, query: object) {
  const embed = (db as { [EMBED]?: Embed })[EMBED]
  return embed?.(model, query) as (Pick<CompiledRow, 'sql'> & { decode: (row: unknown[]) => Row }) | undefined
}

/**
 * Wraps a Prisma client so that findMany, findFirst and findUnique run as one SQL statement each,
 * with the selected columns only, also inside transactions. Everything else, and arguments that
 * `compileRead` does not cover, goes to Prisma.
 */
export function withReads(db: PrismaClient, { run, types }: ReadsOptions): PrismaClient {
  const runRows: RunText = async (text, values) => (await run<{ row: string }>(text, values)).map(({ row }) => row)
  const embed: Embed = (model, query) => orUncovered(() => compileRow(NAMES.get(model) ?? '', query as Args, types))

  const outside = models(db, types, {
    many: ({ text, values }) => runRows(text, values),
    one: createBatches(runRows),
  })

  function inTransaction(tx: object): object {
    const runInside: RunText = async (text, values) => {
      const rows = await (tx as Transaction).$queryRawUnsafe<{ row: string }[]>(text, ...values)
      return rows.map(({ row }) => row)
    }
    const inside = models(tx, types, {
      many: ({ text, values }) => runInside(text, values),
      one: async ({ text, values }) => (await runInside(text, values))[0],
    })
    return new Proxy(tx, {
      get: (target, name) => (name === EMBED ? embed : (inside(name) ?? Reflect.get(target, name))),
    })
  }

  const replaced: Record<string | symbol, unknown> = {
    [EMBED]: embed,
    $transaction: (work: unknown, options?: unknown) =>
      typeof work === 'function'
        ? db.$transaction((tx) => work(inTransaction(tx)), options as object)
        : db.$transaction(work as never, options as never),
    $queryRaw: (query: TemplateStringsArray | Prisma.Sql, ...values: unknown[]) => {
      const { text, values: all } = 'raw' in query ? Prisma.sql(query, ...values) : query
      return run(text, all)
    },
  }
  return new Proxy(db, {
    get: (target, name) => replaced[name] ?? outside(name) ?? Reflect.get(target, name),
  })
}

function orUncovered<T>(compile: () => T): T | undefined {
  try {
    return compile()
  } catch (error) {
    if (error instanceof Uncovered) return undefined
    throw error
  }
}

interface Runs {
  many: (read: CompiledRead) => Promise<string[]>
  one: (read: CompiledRead) => Promise<string | undefined>
}

/** Returns a function that gives a model's delegate by its name on the client. */
function models(client: object, types: ColumnTypes, runs: Runs): (name: string | symbol) => object | undefined {
  const made = new Map<string | symbol, object>()
  return (name) => {
    const model = NAMES.get(name)
    if (!model) return undefined
    let delegate = made.get(name)
    if (!delegate) {
      delegate = withFinds((client as Record<string | symbol, object>)[name] ?? {}, model, types, runs)
      made.set(name, delegate)
    }
    return delegate
  }
}

/** Model names by the name of their delegate. */
const NAMES: ReadonlyMap<string | symbol, string> = new Map(
  [...MODELS.keys()].map((model) => [`${model[0]?.toLowerCase()}${model.slice(1)}`, model]),
)

function withFinds(delegate: object, model: string, types: ColumnTypes, { many, one }: Runs): object {
  const finds = delegate as Record<'findMany' | 'findFirst' | 'findUnique', Find>

  const compile = (args: Args) => orUncovered(() => compileRead(model, args, types))

  async function readMany(args: Args, read: CompiledRead): Promise<unknown> {
    if (args.take === 0) return []
    return (await many(read)).map((row) => read.decode(JSON.parse(row)))
  }

  async function readFirst(read: CompiledRead): Promise<unknown> {
    const row = await one(read)
    return row === undefined ? null : read.decode(JSON.parse(row))
  }

  const replaced: Record<string, Find> = {
    findMany: async (args = {}) => {
      const single = ofSingleId(args)
      const first = single && compile(single)
      if (first) return [await readFirst(first)].filter((row) => row !== null)
      const read = compile(args)
      return read ? readMany(args, read) : finds.findMany(args)
    },
    findFirst: (args = {}) => {
      const read = args.take === undefined || args.take === 1 ? compile({ ...args, take: 1 }) : undefined
      return read ? readFirst(read) : finds.findFirst(args)
    },
    findUnique: (args = {}) => {
      const read = orUncovered(() => compileUnique(model, args, types))
      return read ? readFirst(read) : finds.findUnique(args)
    },
  }
  return new Proxy(delegate, {
    get: (target, name) => replaced[name as string] ?? Reflect.get(target, name),
  })
}

/** Turns a read of the rows with one id, which is a list of one, into a read that can be batched. */
function ofSingleId(args: Args): Args | undefined {
  const { id } = (args.where ?? {}) as { id?: Record<string, unknown> }
  const [only, ...others] = Array.isArray(id?.in) ? id.in : []
  const isSingle = typeof only === 'string' && others.length === 0 && Object.keys(id ?? {}).length === 1
  if (!isSingle || args.take !== undefined || args.skip !== undefined) return undefined
  return { ...args, where: { ...(args.where as object), id: only } }
}
