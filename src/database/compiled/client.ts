import { Prisma, type PrismaClient } from '../../generated/prisma/client.ts'
import type { Args } from './clauses.ts'
import type { ColumnTypes } from './column-types.ts'
import { MODELS } from './models.ts'
import { type CompiledRead, type CompiledRow, compileRead, compileRow, compileUnique } from './read.ts'
import { createReadBatches, type RunText, SHARED_MARKER, typesOf } from './read-batch.ts'
import { orUncovered } from './uncovered.ts'
import { type CompiledWrite, compileCreate, compileDelete, compileUpdate, oneText } from './write.ts'
import { createWriteBatches } from './write-batch.ts'

type Call = (args?: Args) => Promise<unknown>
type Method = 'findMany' | 'findFirst' | 'findUnique' | 'findUniqueOrThrow' | 'create' | 'update' | 'delete'
type Transaction = Pick<PrismaClient, '$queryRawUnsafe'>

interface StatementOptions {
  /** Runs a statement outside of transactions. Its rows are typed as Prisma's raw queries type them. */
  run: <Row>(text: string, values: readonly unknown[]) => Promise<Row[]>
  /** Runs a statement outside of transactions. Returns how many rows it changed. */
  execute: (text: string, values: readonly unknown[]) => Promise<number>
  types: ColumnTypes
}

/** Maximum number of compiled selections kept. */
const MAX_ROWS = 500

const EMBED = Symbol('embed')
type Embed = (model: string, query: object) => CompiledRow | undefined

/**
 * Compiles a selection to an expression for another statement on this client; undefined if only
 * Prisma can load it. `model` is the name of a delegate, in lower camel case.
 */
export function embedRow<Row>(db: object, model: string, query: object) {
  const embed = (db as { [EMBED]?: Embed })[EMBED]
  return embed?.(model, query) as (Omit<CompiledRow, 'decode'> & { decode: (row: unknown[]) => Row }) | undefined
}

/**
 * Wraps a Prisma client so that findMany, findFirst and findUnique, and create, update and delete of
 * one row, run as one SQL statement each, with the selected columns only, also inside transactions.
 * Raw SQL outside of transactions goes to the pool. Everything else, and arguments that are not
 * covered here, goes to Prisma, whose first call loads its query compiler: 40 MB.
 */
export function withCompiledStatements(db: PrismaClient, { run, execute, types }: StatementOptions): PrismaClient {
  const runRows: RunText = async (text, values) => (await run<{ row: string }>(text, values)).map(({ row }) => row)
  const rows = new Map<string, CompiledRow>()
  const ofFrozen = new WeakMap<object, { model: string; row: CompiledRow | undefined }>()
  const embed: Embed = (model, query) => {
    // A frozen query is one object for many requests.
    if (!Object.isFrozen(query)) return embedAny(model, query)
    const known = ofFrozen.get(query)
    if (known?.model === model) return known.row
    const row = embedAny(model, query)
    ofFrozen.set(query, { model, row })
    return row
  }
  const embedAny: Embed = (model, query) => {
    const key = `${model} ${JSON.stringify(query)}`
    const known = rows.get(key)
    if (known) return known
    const row = orUncovered(() => compileRow(NAMES.get(model) ?? '', query as Args, types))
    if (row) {
      if (rows.size >= MAX_ROWS) rows.clear()
      rows.set(key, row)
    }
    return row
  }

  const readTogether = createReadBatches(runRows)
  const outside = models(db, types, {
    read: readTogether,
    readAlone: ({ text, values }) => runRows(text, values),
    write: createWriteBatches(runRows),
    writeAlone: async (write) => (await runRows(oneText(write), write.values))[0],
  })

  function inTransaction(tx: object): object {
    const runInside: RunText = async (text, values) => {
      const rows = await (tx as Transaction).$queryRawUnsafe<{ row: string }[]>(text, ...values)
      return rows.map(({ row }) => row)
    }
    const readInside = ({ text, values }: CompiledRead) => runInside(text, values)
    const writeInside = async (write: CompiledWrite) => (await runInside(oneText(write), write.values))[0]
    const inside = models(tx, types, {
      read: readInside,
      readAlone: readInside,
      write: writeInside,
      writeAlone: writeInside,
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
      const { text, values: all } = statementOf(query, values)
      const shared = text.startsWith(SHARED_MARKER) ? typesOf({ text, values: all }) : undefined
      if (!shared) return run(text, all)
      return readTogether({ text, values: all, types: shared }).then((rows) => rows.map((row) => ({ row })))
    },
    $executeRaw: (query: TemplateStringsArray | Prisma.Sql, ...values: unknown[]) => {
      const { text, values: all } = statementOf(query, values)
      return execute(text, all)
    },
  }
  return new Proxy(db, {
    get: (target, name) => replaced[name] ?? outside(name) ?? Reflect.get(target, name),
  })
}

const statementOf = (query: TemplateStringsArray | Prisma.Sql, values: unknown[]) =>
  'raw' in query ? Prisma.sql(query, ...values) : query

interface Runs {
  /** Runs a read of a few rows, perhaps together with others. */
  read: (read: CompiledRead) => Promise<string[]>
  readAlone: (read: CompiledRead) => Promise<string[]>
  /** Runs a write, perhaps together with others. Returns the changed row, if there is one. */
  write: (write: CompiledWrite) => Promise<string | undefined>
  writeAlone: (write: CompiledWrite) => Promise<string | undefined>
}

/** Returns a function that gives a model's delegate by its name on the client. */
function models(client: object, types: ColumnTypes, runs: Runs): (name: string | symbol) => object | undefined {
  const made = new Map<string | symbol, object>()
  return (name) => {
    const model = NAMES.get(name)
    if (!model) return undefined
    let delegate = made.get(name)
    if (!delegate) {
      delegate = withCompiled((client as Record<string | symbol, object>)[name] ?? {}, model, types, runs)
      made.set(name, delegate)
    }
    return delegate
  }
}

/** Model names by the name of their delegate. */
const NAMES: ReadonlyMap<string | symbol, string> = new Map(
  [...MODELS.keys()].map((model) => [`${model[0]?.toLowerCase()}${model.slice(1)}`, model]),
)

function withCompiled(delegate: object, model: string, types: ColumnTypes, runs: Runs): object {
  const prisma = delegate as Record<Method, Call>

  const compile = (args: Args) => orUncovered(() => compileRead(model, args, types))

  async function readMany(args: Args, read: CompiledRead): Promise<unknown> {
    if (args.take === 0) return []
    return (await runs[isLookup(args, read) ? 'read' : 'readAlone'](read)).map((row) => read.decode(JSON.parse(row)))
  }

  async function readFirst(read: CompiledRead): Promise<unknown> {
    const [row] = await runs.read(read)
    return row === undefined ? null : read.decode(JSON.parse(row))
  }

  const replaced: Record<Method, Call> = {
    findMany: async (args = {}) => {
      const read = compile(args)
      return read ? readMany(args, read) : prisma.findMany(args)
    },
    findFirst: (args = {}) => {
      const read = args.take === undefined || args.take === 1 ? compile({ ...args, take: 1 }) : undefined
      return read ? readFirst(read) : prisma.findFirst(args)
    },
    findUnique: (args = {}) => {
      const read = orUncovered(() => compileUnique(model, args, types))
      return read ? readFirst(read) : prisma.findUnique(args)
    },
    // Loads of Pothos for fields that no other statement has read.
    findUniqueOrThrow: async (args = {}) => {
      const read = orUncovered(() => compileUnique(model, args, types))
      return read ? ((await readFirst(read)) ?? missing()) : prisma.findUniqueOrThrow(args)
    },
    create: (args = {}) => {
      const write = orUncovered(() => compileCreate(model, args, types))
      return write ? written(write, runs.write(write)) : prisma.create(args)
    },
    update: (args = {}) => {
      const write = orUncovered(() => compileUpdate(model, args, types))
      return write ? written(write, runs.write(write)) : prisma.update(args)
    },
    delete: (args = {}) => {
      const write = orUncovered(() => compileDelete(model, args, types))
      return write ? written(write, runs.writeAlone(write)) : prisma.delete(args)
    },
  }
  return new Proxy(delegate, {
    get: (target, name) => replaced[name as Method] ?? Reflect.get(target, name),
  })
}

/** Checks that a read looks up a few values, so that no other read has to wait long for it. */
function isLookup({ take, skip, orderBy }: Args, { values }: CompiledRead): boolean {
  const isPage = take !== undefined || skip !== undefined || orderBy !== undefined
  return !isPage && values.every((value) => !Array.isArray(value) || value.length <= MAX_LOOKUP)
}

/** Maximum number of values in a list that a lookup compares with. */
const MAX_LOOKUP = 20

async function written({ decode }: CompiledWrite, row: Promise<string | undefined>): Promise<unknown> {
  const found = await row
  return found === undefined ? missing() : decode(JSON.parse(found))
}

/** Throws what Prisma throws. */
function missing(): never {
  const clientVersion = Prisma.prismaVersion.client
  throw new Prisma.PrismaClientKnownRequestError('The row does not exist.', { code: 'P2025', clientVersion })
}
