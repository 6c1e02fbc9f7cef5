import type { ObjectRef } from '@pothos/core'
import { builder } from './builder.ts'
import { type Issue, validationFailed } from './gateway/errors.ts'

const DEFAULT_PAGE = 20
const MAX_PAGE = 100
/** Skipping rows reads them all: whoever wants to go further follows the cursors. */
const MAX_OFFSET = 10_000

/** The arguments of a Relay list, as every list of ours has them. */
export interface PageArguments {
  first?: number | null
  after?: string | null
  last?: number | null
  before?: string | null
  offset?: number | null
}

export type Page = { offset: number } & ({ first: number; after?: string } | { last: number; before?: string })

/** The page that was asked for; refuses sizes out of range and arguments that contradict each other, all at once. */
export function readPage({ first, after, last, before, offset }: PageArguments): Page {
  const issues: Issue[] = []
  const refuse = (name: string, code: string, message: string) => issues.push({ path: [name], code, message })
  for (const [name, size] of Object.entries({ first, last })) {
    if (size != null && (size < 1 || size > MAX_PAGE))
      refuse(name, 'out_of_range', `must be 1 to ${MAX_PAGE}, not ${size}`)
  }
  if (offset != null && (offset < 0 || offset > MAX_OFFSET))
    refuse('offset', 'out_of_range', `must be 0 to ${MAX_OFFSET}, not ${offset}`)
  if (first != null && last != null) refuse('last', 'contradiction', 'cannot go with first')
  if (after != null && before != null) refuse('before', 'contradiction', 'cannot go with after')
  else if (last != null && after != null) refuse('after', 'contradiction', 'cannot go with last')
  else if (first != null && before != null) refuse('before', 'contradiction', 'goes with last, not first')
  if (offset && (after != null || before != null)) refuse('offset', 'contradiction', 'cannot go with a cursor')
  if (issues.length > 0) throw validationFailed(issues)
  const backwards = last != null || before != null
  if (backwards) return { last: last ?? DEFAULT_PAGE, offset: offset ?? 0, ...(before != null && { before }) }
  return { first: first ?? DEFAULT_PAGE, offset: offset ?? 0, ...(after != null && { after }) }
}

/** One page of a list: what the connection types resolve from. */
export interface Connection<Node> {
  edges: { node: Node; cursor: string }[]
  hasNextPage: boolean
  hasPreviousPage: boolean
  /** Counts only when it is asked. */
  totalCount: () => Promise<number>
}

/** Declares `<name>Connection` and `<name>Edge` over a node type; counted unless told otherwise. */
export function connectionType<Node>(
  node: ObjectRef<never, Node, Node> | { name: string },
  options: { counted?: boolean } = {},
) {
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
      nodes: t.field({ type: [ref] as never, resolve: (page) => page.edges.map((one) => one.node) as never }),
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
      ...(options.counted !== false && {
        totalCount: t.int({
          description: 'How many there are on all pages; counted only when asked for.',
          resolve: (page) => page.totalCount(),
        }),
      }),
    }),
  })
}

/** Rows in the order of their ids: a database gives them in its own. A row that went meanwhile is left out. */
export function inOrder<Row extends { id: string }>(
  keys: readonly { id: string; cursor: string }[],
  rows: readonly Row[],
) {
  const byId = new Map(rows.map((row) => [row.id, row]))
  return keys.flatMap(({ id, cursor }) => {
    const node = byId.get(id)
    return node ? [{ node, cursor }] : []
  })
}

/** Ids filled up to a power of two with copies of the last: Prisma writes one SQL text for each length of an `IN` list. */
export function padded(ids: readonly string[]): string[] {
  const last = ids.at(-1)
  if (last === undefined) return []
  const size = 2 ** Math.ceil(Math.log2(ids.length))
  return [...ids, ...Array<string>(size - ids.length).fill(last)]
}
