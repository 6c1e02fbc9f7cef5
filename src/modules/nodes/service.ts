import { queryFromInfo } from '@pothos/plugin-prisma'
import type { GraphQLResolveInfo } from 'graphql'
import { AppError } from '../../gateway/errors.ts'
import { Prisma } from '../../generated/prisma/client.ts'
import type { Context } from '../../request/context.ts'
import { hasScope, requireViewer } from '../../request/viewer.ts'
import { asNode, type NodeType, nodeTypes } from '../../schema/node.ts'
import { isId } from '../../schema/rules.ts'

interface Row {
  id: string
}

/** Returns an object by id. Throws NOT_FOUND if the viewer does not see it. */
export async function getNode(ctx: Context, id: string, info: GraphQLResolveInfo): Promise<Row> {
  const [found] = await listNodes(ctx, [id], info)
  if (found) return found
  throw new AppError('NOT_FOUND', `Node ${JSON.stringify(id)} does not exist or you cannot see it.`, { path: ['id'] })
}

/** Returns objects by id, in the order of the ids; null for each that the viewer does not see. */
export async function listNodes(
  ctx: Context,
  ids: readonly string[],
  info: GraphQLResolveInfo,
): Promise<(Row | null)[]> {
  const names = await typesOf(ctx, [...new Set(ids.filter(isId).map((id) => id.toLowerCase()))])
  const rows = await Promise.all(
    [...Map.groupBy(names.keys(), (id) => names.get(id))].map(([name, wanted]) =>
      name ? loadRows(ctx, name, wanted, info) : [],
    ),
  )
  const byId = new Map(rows.flat().map((row) => [row.id, row]))
  return ids.map((id) => byId.get(id.toLowerCase()) ?? null)
}

/** Finds the type of each id that the viewer sees, in one statement, whatever there is. */
async function typesOf({ db, viewer: who, credentialProblem }: Context, ids: readonly string[]) {
  const viewer = requireViewer({ viewer: who, credentialProblem })
  const types = nodeTypes.filter(({ scope }) => hasScope(viewer, scope))
  if (ids.length === 0 || types.length === 0) return new Map<string, NodeType['name']>()
  const selects = types.map(({ name, visible }) => {
    const table = Prisma.raw(`"${name}"`)
    return Prisma.sql`SELECT "id"::text AS id, ${name}::text AS name FROM ${table} WHERE "id" = ANY (${ids}::uuid[]) AND (${visible(viewer)})`
  })
  const found = await db.$queryRaw<{ id: string; name: NodeType['name'] }[]>(Prisma.join(selects, ' UNION ALL '))
  return new Map(found.map(({ id, name }) => [id, name]))
}

/** Loads rows of one type with what the client selects of it. */
async function loadRows(
  ctx: Context,
  name: NodeType['name'],
  ids: readonly string[],
  info: GraphQLResolveInfo,
): Promise<Row[]> {
  const query = queryFromInfo({ context: ctx, info, typeName: name }) as object
  const model = `${name[0]?.toLowerCase()}${name.slice(1)}` as 'task'
  const rows: Row[] = await ctx.db[model].findMany({ ...query, where: { id: { in: [...ids] } } })
  return rows.map((row) => asNode(row, name))
}
