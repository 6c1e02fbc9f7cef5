import type { ObjectRef } from '@pothos/core'
import type { GraphQLResolveInfo } from 'graphql'
import { z } from 'zod'
import type { Database } from '../database/client.ts'
import { embedRow } from '../database/compiled/client.ts'
import {
  countRows,
  type KeysetPage,
  type KeysetRow,
  type KeysetSource,
  type KeysetSpec,
  keysetPage,
  keysetPages,
} from '../database/keyset.ts'
import type { OrderTerm } from '../database/row-order.ts'
import { Prisma } from '../generated/prisma/client.ts'
import { builder } from './builder.ts'
import { PageInfoType } from './page-info.ts'
import { selectedQuery } from './selected-columns.ts'

export const DEFAULT_PAGE = 20
export const MAX_PAGE = 100
/** Maximum offset. Skipped rows are all read; cursors are not limited. */
const MAX_OFFSET = 10_000

const size = z.int().min(1, `must be 1 to ${MAX_PAGE}`).max(MAX_PAGE, `must be 1 to ${MAX_PAGE}`).nullish()

/** A cursor. The maximum length is above that of any cursor we issue. */
export const cursor = z.string().meta({ pattern: '^[\\w-]+$', maxLength: 4_000 })

/**
 * Rules of the paging arguments. A list extends them with its own arguments and adds `checkPage`.
 */
export const pageRules = z.object({
  first: size,
  after: cursor.nullish(),
  last: size,
  before: cursor.nullish(),
  offset: z
    .int()
    .min(0, 'must not be negative')
    .max(MAX_OFFSET, `must be at most ${MAX_OFFSET}; use cursors to go further`)
    .nullish(),
})

/** Rule of a page's items, for the contracts. */
export const pageItems = z.array(z.unknown()).max(MAX_PAGE)

export type PageArguments = z.infer<typeof pageRules>

/** Rejects paging arguments that contradict each other. */
export function checkPage({
  value: { first, after, last, before, offset },
  issues,
}: z.core.ParsePayload<PageArguments>): void {
  const refuse = (name: keyof PageArguments, message: string) =>
    issues.push({ code: 'custom', path: [name], message, input: undefined, params: { rule: 'contradiction' } })
  if (first != null && last != null) refuse('last', 'cannot be combined with first')
  if (after != null && before != null) refuse('before', 'cannot be combined with after')
  else if (last != null && after != null) refuse('after', 'cannot be combined with last')
  else if (first != null && before != null) refuse('before', 'must be combined with last, not first')
  if (offset && (after != null || before != null)) refuse('offset', 'cannot be combined with a cursor')
}

type Page = { offset: number } & ({ first: number; after?: string } | { last: number; before?: string })

/** Returns the requested page with defaults applied. */
export function readPage({ first, after, last, before, offset }: PageArguments): Page {
  const backwards = last != null || before != null
  if (backwards) return { last: last ?? DEFAULT_PAGE, offset: offset ?? 0, ...(before != null && { before }) }
  return { first: first ?? DEFAULT_PAGE, offset: offset ?? 0, ...(after != null && { after }) }
}

/** One page of a list, from which the connection types resolve. */
export interface Connection<Node> {
  edges: { node: Node; readonly cursor: string }[]
  hasNextPage: boolean
  hasPreviousPage: boolean
  /** A remark of the list's source, or null. See KeysetSource. */
  remark: boolean | null
  /** Runs the count query when called. */
  totalCount: () => Promise<number>
}

/** Declares `<name>Connection` and `<name>Edge` over a node type. */
export function connectionType<Node>(node: ObjectRef<never, Node, Node> | { name: string }) {
  const ref = node as ObjectRef<never, Node, Node>
  const { name } = ref
  const edge = builder.objectRef<{ node: Node; cursor: string }>(`${name}Edge`).implement({
    description: 'An item with its cursor.',
    fields: (t) => ({
      cursor: t.exposeString('cursor'),
      node: t.field({ type: ref as never, resolve: (parent) => parent.node as never }),
    }),
  })
  return builder.objectRef<Connection<Node>>(`${name}Connection`).implement({
    description: 'A page of a list.',
    fields: (t) => ({
      nodes: t.field({
        type: [ref] as never,
        extensions: { rules: pageItems, counted: true },
        resolve: (page) => page.edges.map((one) => one.node) as never,
      }),
      edges: t.field({ type: [edge], extensions: { counted: true }, resolve: (page) => page.edges }),
      pageInfo: t.field({
        type: PageInfoType,
        resolve: ({ edges, hasNextPage, hasPreviousPage }) => ({
          hasNextPage,
          hasPreviousPage,
          startCursor: edges[0]?.cursor ?? null,
          endCursor: edges.at(-1)?.cursor ?? null,
        }),
      }),
      totalCount: t.int({
        description: 'Total number of items on all pages. Counted only when requested.',
        resolve: (page) => page.totalCount(),
      }),
    }),
  })
}

class PageEdge<Node> {
  readonly node: Node
  readonly #row: KeysetRow

  constructor(row: KeysetRow, node: Node) {
    this.#row = row
    this.node = node
  }

  /** Encoded only where a client asks for it. */
  get cursor() {
    return this.#row.cursor
  }
}

export interface ListSource
  extends Omit<KeysetSource, 'name' | 'from' | 'id'>,
    Partial<Pick<KeysetSource, 'from' | 'id'>> {
  /** The table that is listed, unless `from` and `id` are given. */
  table: string
  /** False if `from` does not have all columns of the table, under its name. */
  hasColumns?: boolean
  /** Makes the source of the count, if it differs from that of the pages. */
  counted?: () => Pick<KeysetSource, 'from' | 'where'>
  /** The model of the rows, like "task". */
  model: Uncapitalize<Prisma.ModelName>
  /** The columns and relations to read. */
  query: { select?: object | null; include?: object | null }
}

/** Loads the requested page with one indexed query, the rows with their relations in it. */
export async function loadPage<Row extends { id: string }>(
  db: Database,
  args: PageArguments,
  source: ListSource,
): Promise<Connection<Row>> {
  const { spec, read } = prepareList<Row>(db, args, source)
  const page = await keysetPage(db, spec)
  const { planDependsOnValues = false } = source
  const counted = source.counted?.() ?? { from: spec.from, ...(spec.where && { where: spec.where }) }
  return connectionOf(source, page, await read(page.rows), () => countRows(db, { ...counted, planDependsOnValues }))
}

/** The rows that belong to each of several others, like the comments of tasks. */
export interface Parents {
  /** The column with the parent's id. The index that the list's order needs begins with it. */
  column: Prisma.Sql
  ids: readonly string[]
  /** Counts the rows of one parent. */
  count: (id: string) => Promise<number>
}

/** Loads the requested page of each parent, in their order, with one indexed query for all. */
export async function loadPages<Row extends { id: string }>(
  db: Database,
  args: PageArguments,
  source: ListSource,
  { column, ids, count }: Parents,
): Promise<Connection<Row>[]> {
  const { spec, read } = prepareList<Row>(db, args, source)
  const pages = await keysetPages(db, spec, { column, ids })
  const nodes = await read(pages.flatMap(({ rows }) => rows))
  let start = 0
  return pages.map((page, index) => {
    const own = nodes.slice(start, start + page.rows.length)
    start += page.rows.length
    return connectionOf(source, page, own, () => count(ids[index] ?? ''))
  })
}

/** Returns what a list's query needs, and how to make nodes of its rows. */
function prepareList<Row extends { id: string }>(
  db: Database,
  args: PageArguments,
  { table, model, query, hasColumns = true, ...source }: ListSource,
): { spec: KeysetSpec; read: (rows: readonly KeysetRow[]) => Promise<(Row | undefined)[]> } {
  const { from = Prisma.raw(`"${table}"`), id = Prisma.raw(`"${table}"."id"`) } = source
  const embedded = embedRow<Row>(db, model, query)
  const row = embedded && {
    columns: hasColumns ? embedded.columns : [],
    sql: (page: string, id: string) => (hasColumns ? embedded.ofRow(page) : embedded.byId(id)),
  }
  return {
    spec: { ...source, ...(row && { row }), name: table, from, id, ...readPage(args) },
    read: async (rows) =>
      embedded
        ? rows.map(({ row }) => (row === null ? undefined : embedded.decode(row as unknown[])))
        : loadRows<Row>(
            db,
            model,
            query,
            rows.map(({ id }) => id),
          ),
  }
}

/** Makes a connection of a page and its rows. */
export function connectionOf<Row>(
  { remark }: Pick<ListSource, 'remark'>,
  { rows, ...page }: KeysetPage,
  nodes: readonly (Row | undefined)[],
  totalCount: () => Promise<number>,
): Connection<Row> {
  const edges = rows.flatMap((row, index) => {
    const node = nodes[index]
    // Skip rows deleted after their ids were read.
    return node ? [new PageEdge(row, node)] : []
  })
  return { ...page, remark: remark ? page.remark : null, edges, totalCount }
}

/** Loads rows by id, for a selection that no other statement can read with its own. */
async function loadRows<Row extends { id: string }>(
  db: Database,
  model: ListSource['model'],
  query: object,
  ids: readonly string[],
): Promise<(Row | undefined)[]> {
  // The models' delegates have no common type that can be called.
  const { findMany } = db[model] as unknown as { findMany: (args: object) => Promise<Row[]> }
  const found = await findMany({ ...query, where: { id: { in: ids } } })
  const byId = new Map(found.map((row) => [row.id, row]))
  return ids.map((id) => byId.get(id))
}

/** Orders by a timestamp column of the table. */
export function byTime(name: 'createdAt' | 'updatedAt', direction: 'asc' | 'desc', table: string): OrderTerm {
  return { name, expression: Prisma.raw(`"${table}"."${name}"`), type: 'timestamptz', direction }
}

const NODES = [['nodes'], ['edges', 'node']]

/** Returns the columns and relations to read for the nodes of a list. */
export function listQuery(context: object, info: GraphQLResolveInfo) {
  return selectedQuery(context, info, NODES)
}

/** The paging arguments of every list in GraphQL. */
export const pageArguments = builder.args((t) => ({
  first: t.int({
    description: `Number of items from the start, or after \`after\`: 1 to ${MAX_PAGE}. The default is ${DEFAULT_PAGE}.`,
  }),
  after: t.string({ description: 'Return the items after this cursor.' }),
  last: t.int({ description: `Number of items at the end, or before \`before\`: 1 to ${MAX_PAGE}.` }),
  before: t.string({ description: 'Return the items before this cursor.' }),
  offset: t.int({ description: `Number of items to skip, at most ${MAX_OFFSET}. Cursors are faster.` }),
}))
