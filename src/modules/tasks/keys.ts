import { z } from 'zod'
import type { Context } from '../../context.ts'
import { isId } from '../../rules.ts'

/** "WEB-42": a project's key and a number, in either case. Without `u` the flag `i` covers ASCII only. */
const KEY = /^[A-Z][A-Z0-9]{1,9}-[1-9]\d{0,9}$/i

/** The same as JSON Schema has it, in either case: its patterns have no flags. */
const KEY_PATTERN = '[A-Za-z][A-Za-z0-9]{1,9}-[1-9][0-9]{0,9}'
export const ID_PATTERN = '[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}'
export const TASK_ID_PATTERN = `${ID_PATTERN}|${KEY_PATTERN}`

/** A text as a task's key, which may be typed in small letters; undefined for what cannot be one. */
export function readKey(value: string): string | undefined {
  return KEY.test(value) ? value.toUpperCase() : undefined
}

export const isTaskId = (value: string): boolean => isId(value) || readKey(value) !== undefined

/** Wherever an input names a task: by its id or its key. */
export const taskId = z
  .string()
  .refine(isTaskId, 'is neither an id nor a key like WEB-42')
  .meta({ pattern: `^(${TASK_ID_PATTERN})$`, maxLength: 36, examples: ['WEB-42'] })

/** A task's key. */
export const taskKey = z
  .string()
  .refine((value) => readKey(value) !== undefined, 'is not a key like WEB-42')
  .meta({ pattern: `^${KEY_PATTERN}$`, maxLength: 21, examples: ['WEB-42'] })

/** Nobody's: looked for instead of what is not there, so that a key nobody has costs what a hidden one does. */
const NOBODY = '00000000-0000-0000-0000-000000000000'

/** The ids of the tasks that have, or had before they moved, these keys, by key in capitals. Whether they may be seen is not asked. */
async function idsOfKeys(ctx: Context, keys: readonly string[]): Promise<Map<string, string>> {
  const wanted = [...new Set(keys)]
  if (wanted.length === 0) return new Map()
  const rows = await ctx.db.$queryRaw<{ key: string; id: string }[]>`
    SELECT "key", "taskId"::text AS id FROM "FormerTaskKey" WHERE "key" = ANY(${wanted})
    UNION ALL SELECT "key", "id"::text FROM "Task" WHERE "key" = ANY(${wanted})`
  // A key that is in use wins over one that was: the later entry of a Map does.
  return new Map([
    ...wanted.map((key): [string, string] => [key, NOBODY]),
    ...rows.map(({ key, id }) => [key, id] as const),
  ])
}

/** The ids of what may be keys, by what was given; an id is its own. What can be neither has none. */
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

/** The same of one. */
export async function idOf(ctx: Context, idOrKey: string): Promise<string | undefined> {
  return (await idsOf(ctx, [idOrKey])).get(idOrKey)
}
