import { z } from 'zod'
import { Prisma } from '../../../generated/prisma/client.ts'
import { isId } from '../../../schema/rules.ts'
import { ID_PATTERN } from '../key-type.ts'
import { every, type FilterScope, field, oneOf, type Siblings, taskColumn } from './field-definition.ts'
import { listOf } from './ranges.ts'

/** A user id, or one of the given words. */
const person = (...words: string[]) =>
  z
    .string()
    .refine((value) => isId(value) || words.includes(value), `must be a user id, ${words.join(' or ')}`)
    .meta({ pattern: `^(${[ID_PATTERN, ...words].join('|')})$`, maxLength: 36, examples: words.slice(0, 1) })

const userId = (wanted: string, { viewerId }: FilterScope) => (wanted === 'me' ? viewerId : wanted.toLowerCase())

export const assignee = field({
  description: 'Assigned to one of these users. `me` is you, `none` finds unassigned tasks.',
  type: ['ID'],
  rule: listOf(person('me', 'none')),
  joins: () => 1,
  indexed: true,
  selective: (people) => !people.includes('none'),
  sql(wanted, scope, siblings) {
    const people = wanted.map((one) => userId(one, scope)).filter(isId)
    const unassigned = wanted.includes('none') && Prisma.sql`"Task"."assigneeIds" = '{}'`
    const assigned =
      (people.length > 0 || !unassigned) &&
      Prisma.sql`EXISTS (SELECT FROM "TaskAssignee" AS link WHERE link."taskId" = "Task"."id"
      AND ${assigneeLink(people, scope, siblings)})`
    const given = [unassigned, assigned].filter((one) => one instanceof Prisma.Sql)
    return given.length === 1 ? given[0] : Prisma.sql`(${Prisma.join(given, ' OR ')})`
  },
  matches: (wanted, { assigneeIds }, scope) =>
    wanted.some((one) => (one === 'none' ? assigneeIds.length === 0 : assigneeIds.includes(userId(one, scope)))),
})

/**
 * Condition on "TaskAssignee" AS link. The link repeats the task's status because its index
 * includes it.
 */
export function assigneeLink(people: readonly string[], { deleted }: FilterScope, { status }: Siblings): Prisma.Sql {
  return every([
    oneOf(Prisma.sql`link."userId"`, people, 'uuid'),
    Prisma.sql`link."live" = ${!deleted}`,
    status && oneOf(Prisma.sql`link."status"`, status, '"TaskStatus"'),
  ])
}

/** Returns the user if the condition names exactly one. */
export function onlyAssignee(wanted: readonly string[] | null | undefined, scope: FilterScope): string | undefined {
  const [one, ...others] = wanted ?? []
  return one === undefined || one === 'none' || others.length > 0 ? undefined : userId(one, scope)
}

export const creator = field({
  description: 'Created by one of these users. `me` is you.',
  type: ['ID'],
  rule: listOf(person('me')),
  indexed: true,
  selective: () => true,
  sql: (wanted, scope) =>
    oneOf(
      taskColumn('creatorId'),
      wanted.map((one) => userId(one, scope)),
      'uuid',
    ),
  matches: (wanted, { creatorId }, scope) => wanted.some((one) => userId(one, scope) === creatorId),
})
