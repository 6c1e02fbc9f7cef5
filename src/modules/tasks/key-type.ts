import { z } from 'zod'
import type { Context } from '../../request/context.ts'
import { isId } from '../../schema/rules.ts'

/**
 * Key of the project and number of the task, like WEB-42. The flag `i` without `u` ignores ASCII
 * case only.
 */
const KEY = /^[A-Z][A-Z0-9]{1,9}-[1-9]\d{0,9}$/i

/** Matches both cases itself, because JSON Schema patterns have no flags. */
const KEY_PATTERN = '[A-Za-z][A-Za-z0-9]{1,9}-[1-9][0-9]{0,9}'
export const ID_PATTERN = '[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}'
export const TASK_ID_PATTERN = `${ID_PATTERN}|${KEY_PATTERN}`

/** Returns the key in capitals, or undefined if the text is not a key. */
export function readKey(value: string): string | undefined {
  return KEY.test(value) ? value.toUpperCase() : undefined
}

export const isTaskId = (value: string): boolean => isId(value) || readKey(value) !== undefined

/** The id or key of a task. */
export const taskId = z
  .string()
  .refine(isTaskId, 'must be an id or a key like WEB-42')
  .meta({ pattern: `^(${TASK_ID_PATTERN})$`, maxLength: 36, examples: ['WEB-42'] })

/** The argument of operations on what belongs to a task. */
export const TASK_ID_ARGUMENT = {
  required: true,
  description: 'The task’s id or key, like WEB-42.',
  extensions: { rules: taskId },
} as const

export const taskKey = z
  .string()
  .refine((value) => readKey(value) !== undefined, 'must be a key like WEB-42')
  .meta({ pattern: `^${KEY_PATTERN}$`, maxLength: 21, examples: ['WEB-42'] })

/** Stands in for an unknown key, so that it costs as many statements as a hidden one. */
const NO_TASK = '00000000-0000-0000-0000-000000000000'

/** Finds task ids by present or former key, in capitals. Does not check visibility. */
async function idsOfKeys(ctx: Context, keys: readonly string[]): Promise<Map<string, string>> {
  const wanted = [...new Set(keys)]
  if (wanted.length === 0) return new Map()
  const rows = await ctx.db.$queryRaw<{ key: string; id: string }[]>`
    SELECT "key", "taskId"::text AS id FROM "FormerTaskKey" WHERE "key" = ANY(${wanted})
    UNION ALL SELECT "key", "id"::text FROM "Task" WHERE "key" = ANY(${wanted})`
  // Present keys come last and win over former ones.
  return new Map([
    ...wanted.map((key): [string, string] => [key, NO_TASK]),
    ...rows.map(({ key, id }) => [key, id] as const),
  ])
}

/**
 * Returns task ids by the id or key given. Leaves out text that is neither. Does
 * not check visibility.
 */
export async function idsOf(ctx: Context, idsOrKeys: readonly string[]): Promise<Map<string, string>> {
  const keys = idsOrKeys.flatMap((one) => (isId(one) ? [] : (readKey(one) ?? [])))
  const byKey = await idsOfKeys(ctx, keys)
  return new Map(
    idsOrKeys.flatMap((one): [string, string][] => {
      const id = isId(one) ? one.toLowerCase() : byKey.get(readKey(one) ?? '')
      return id === undefined ? [] : [[one, id]]
    }),
  )
}

export async function idOf(ctx: Context, idOrKey: string): Promise<string | undefined> {
  return (await idsOf(ctx, [idOrKey])).get(idOrKey)
}
