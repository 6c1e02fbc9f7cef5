import type { ObjectRef } from '@pothos/core'
import { z } from 'zod'
import { builder } from './builder.ts'
import type { Database } from './database/client.ts'
import { countRows, type KeysetSource, keysetPage, type OrderTerm } from './database/keyset.ts'
import { padToPowerOfTwo } from './database/statement-names.ts'
import { Prisma } from './generated/prisma/client.ts'

export const DEFAULT_PAGE = 20
const MAX_PAGE = 100
/** Skipping rows reads them all: whoever wants to go further follows the cursors. */
const MAX_OFFSET = 10_000

const size = z.int().min(1, `must be 1 to ${MAX_PAGE}`).max(MAX_PAGE, `must be 1 to ${MAX_PAGE}`).nullish()

/** The arguments of a Relay list, as every list of ours has them. A list puts its own beside them and adds `checkPage`. */
/** Longer than any cursor of ours, which the list refuses as none. */
export const cursor = z.string().meta({ pattern: '^[\\w-]+$', maxLength: 4_000 })

export const pageRules = z.object({
  first: size,
  after: cursor.nullish(),
  last: size,
  before: cursor.nullish(),
  offset: z
    .int()
    .min(0, 'must not be negative')
    .max(MAX_OFFSET, `must be at most ${MAX_OFFSET}: follow the cursors`)
    .nullish(),
})

/** The items of a page. */
export const aPage = z.array(z.unknown()).max(MAX_PAGE)

export type PageArguments = z.infer<typeof pageRules>

/** Refuses arguments that contradict each other. */
export function checkPage({
  value: { first, after, last, before, offset },
  issues,
}: z.core.ParsePayload<PageArguments>): void {
  const refuse = (name: keyof PageArguments, message: string) =>
    issues.push({ code: 'custom', path: [name], message, input: undefined, params: { rule: 'contradiction' } })
  if (first != null && last != null) refuse('last', 'cannot go with first')
  if (after != null && before != null) refuse('before', 'cannot go with after')
  else if (last != null && after != null) refuse('after', 'cannot go with last')
  else if (first != null && before != null) refuse('before', 'goes with last, not first')
  if (offset && (after != null || before != null)) refuse('offset', 'cannot go with a cursor')
}

type Page = { offset: number } & ({ first: number; after?: string } | { last: number; before?: string })

/** The page that was asked for, with its defaults. */
function readPage({ first, after, last, before, offset }: PageArguments): Page {
  const backwards = last != null || before != null
  if (backwards) return { last: last ?? DEFAULT_PAGE, offset: offset ?? 0, ...(before != null && { before }) }
  return { first: first ?? DEFAULT_PAGE, offset: offset ?? 0, ...(after != null && { after }) }
}

/** One page of a list: what the connection types resolve from. */
export interface Connection<Node> {
  edges: { node: Node; cursor: string }[]
  hasNextPage: boolean
  hasPreviousPage: boolean
  /** What the list's source remarks of it; null where it remarks nothing. See KeysetSource. */
  remark: boolean | null
  /** Counts only when it is asked. */
  totalCount: () => Promise<number>
}

/** Declares `<name>Connection` and `<name>Edge` over a node type. */
export function connectionType<Node>(node: ObjectRef<never, Node, Node> | { name: string }) {
  const ref = node as ObjectRef<never, Node, Node>
  const { name } = ref
  const edge = builder.objectRef<{ node: Node; cursor: string }>(`${name}Edge`).implement({
    description: 'An item with its place in the list.',
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
        extensions: { rules: aPage },
        resolve: (page) => page.edges.map((one) => one.node) as never,
      }),
      edges: t.field({ type: [edge], resolve: (page) => page.edges }),
      pageInfo: t.field({
        type: builder.pageInfoRef(),
        resolve: ({ edges, hasNextPage, hasPreviousPage }) => ({
          hasNextPage,
          hasPreviousPage,
          startCursor: edges[0]?.cursor ?? null,
          endCursor: edges.at(-1)?.cursor ?? null,
        }),
      }),
      totalCount: t.int({
        description: 'How many there are on all pages; counted only when asked for.',
        resolve: (page) => page.totalCount(),
      }),
    }),
  })
}

export interface ListSource<Row>
  extends Omit<KeysetSource, 'name' | 'from' | 'id'>,
    Partial<Pick<KeysetSource, 'from' | 'id'>> {
  /** Whose rows it lists, unless `from` and `id` say so. */
  table: string
  /** What is counted, where that is not what the pages are read from. */
  counted?: Pick<KeysetSource, 'from' | 'where'>
  /** The rows of these ids, in any order. */
  load: (ids: string[]) => Promise<Row[]>
}

/** The page of a list that was asked for: its ids by one indexed look-up, then the rows. */
export async function loadPage<Row extends { id: string }>(
  db: Database,
  args: PageArguments,
  { table, load, counted, ...source }: ListSource<Row>,
): Promise<Connection<Row>> {
  const { from = Prisma.raw(`"${table}"`), id = Prisma.raw(`"${table}"."id"`), where, valuesDecide = false } = source
  const { rows, ...rest } = await keysetPage(db, { ...source, name: table, from, id, ...readPage(args) })
  const loaded = new Map((await load(padToPowerOfTwo(rows.map((row) => row.id)))).map((row) => [row.id, row]))
  const edges = rows.flatMap(({ id, cursor }) => {
    const node = loaded.get(id)
    // A row that went meanwhile is left out.
    return node ? [{ node, cursor }] : []
  })
  return {
    ...rest,
    remark: source.remark ? rest.remark : null,
    edges,
    totalCount: () => countRows(db, { ...(counted ?? { from, ...(where && { where }) }), valuesDecide }),
  }
}

/** Order by a table's own column of times, which several lists have. */
export function byTime(name: 'createdAt' | 'updatedAt', direction: 'asc' | 'desc', table: string): OrderTerm {
  return { name, expression: Prisma.raw(`"${table}"."${name}"`), type: 'timestamptz', direction }
}

/** The arguments of every list, as GraphQL has them. */
export const pageArguments = builder.args((t) => ({
  first: t.int({
    description: `How many from the start, or behind \`after\`: 1 to ${MAX_PAGE}; ${DEFAULT_PAGE} unless told.`,
  }),
  after: t.string({ description: 'A cursor: begin behind it.' }),
  last: t.int({ description: `How many up to the end, or before \`before\`: 1 to ${MAX_PAGE}.` }),
  before: t.string({ description: 'A cursor: end before it.' }),
  offset: t.int({ description: `How many to skip; at most ${MAX_OFFSET}. Cursors are cheaper.` }),
}))
