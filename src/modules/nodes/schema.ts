import { z } from 'zod'
import { builder } from '../../schema/builder.ts'
import { MAX_PAGE, pageItems } from '../../schema/lists.ts'
import { Node } from '../../schema/node.ts'
import { getNode, listNodes } from './service.ts'

const REST = { none: 'For clients that fetch objects again by id alone. REST has a path for each type.' }

builder.queryField('node', (t) =>
  t.field({
    type: Node,
    // Nullable, so that an unknown id does not null the rest of the query.
    nullable: true,
    description: 'Get an object that you can see by its id, whatever its type.',
    access: { signedIn: true },
    rest: REST,
    args: { id: t.arg.id({ required: true }) },
    resolve: (_root, { id }, ctx, info) => getNode(ctx, id, info),
  }),
)

builder.queryField('nodes', (t) =>
  t.field({
    type: [Node],
    nullable: { list: false, items: true },
    description: 'Get up to 100 objects by their ids, in the same order. Null for each that you cannot see.',
    access: { signedIn: true },
    extensions: {
      rules: pageItems,
      items: ({ ids }: { ids?: string[] }) => ids?.length ?? 0,
    },
    rest: REST,
    validate: z.object({ ids: z.array(z.string()).max(MAX_PAGE, `must have at most ${MAX_PAGE} items`) }),
    args: { ids: t.arg.idList({ required: true }) },
    resolve: (_root, { ids }, ctx, info) => listNodes(ctx, ids, info),
  }),
)
