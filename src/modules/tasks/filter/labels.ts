import { z } from 'zod'
import { Prisma } from '../../../generated/prisma/client.ts'
import { builder } from '../../../schema/builder.ts'
import { id } from '../../../schema/rules.ts'
import { type FilterScope, field, oneOf } from './field-definition.ts'
import { listOf } from './ranges.ts'

const labelRules = z.object({ any: listOf(id).nullish(), all: listOf(id).nullish() })

const LabelFilter = builder.inputType('LabelFilter', {
  description: 'Labels of a task.',
  extensions: { rules: labelRules },
  fields: (t) => ({
    any: t.idList({ description: 'At least one of these labels.' }),
    all: t.idList({ description: 'All of these labels.' }),
  }),
})

export const label = field({
  type: LabelFilter,
  rule: labelRules,
  named: ({ any, all }) => ({ label: [...listed('any', any), ...listed('all', all)] }),
  joins: ({ any, all }) => [any, all].filter((labels) => labels != null).length,
  indexed: true,
  selective: () => true,
  sql: ({ any, all }, scope) => [any && hasLabel(any, scope), ...hasLabels(all ?? [], scope)],
  matches: ({ any, all }, { labelIds }) =>
    (any == null || any.some((one) => labelIds.includes(one.toLowerCase()))) &&
    (all ?? []).every((one) => labelIds.includes(one.toLowerCase())),
})

const listed = (name: string, ids: readonly string[] | null | undefined) =>
  (ids ?? []).map((id, index) => ({ id, path: [name, index] }))

function hasLabel(labels: readonly string[], scope: FilterScope): Prisma.Sql {
  return Prisma.sql`EXISTS (SELECT FROM "TaskLabel" AS link WHERE link."taskId" = "Task"."id"
    AND ${labelLink(labels, scope)})`
}

/** Joins for the first label only, then compares the array of ids that the task repeats. */
function hasLabels(labels: readonly string[], scope: FilterScope): Prisma.Sql[] {
  const [first, ...others] = new Set(labels)
  if (first === undefined) return []
  const joined = hasLabel([first], scope)
  return others.length === 0 ? [joined] : [joined, Prisma.sql`"Task"."labelIds" @> ${others}::uuid[]`]
}

/** Condition on "TaskLabel" AS link. */
export function labelLink(labels: readonly string[], { deleted }: FilterScope): Prisma.Sql {
  return Prisma.sql`${oneOf(Prisma.sql`link."labelId"`, labels, 'uuid')} AND link."live" = ${!deleted}`
}
