import { z } from 'zod'
import type { StreamedBody } from '../../../schema/scalars.ts'
import { isField } from './row.ts'
import { IMPORT_FORMATS, type ImportFormat } from './sources/read.ts'

export const IMPORT_FORMAT_NAMES = Object.keys(IMPORT_FORMATS) as ImportFormat[]

export const ON_ERROR = ['continue', 'stop'] as const

const MAX_MAPPINGS = 50

/** Returns what is wrong with a pair like "Name:title". The name of a column may contain colons. */
function mappingProblem(pair: string): string | undefined {
  const colon = pair.lastIndexOf(':')
  if (colon <= 0) return `${JSON.stringify(pair)} must be a column and a field, like Name:title`
  if (!isField(pair.slice(colon + 1).trim()))
    return `${JSON.stringify(pair)} must end with the field of a task, like title`
  return undefined
}

export const importTasksRules = z
  .object({
    // Any string: the policy answers NOT_FOUND for one that is not a UUID.
    projectId: z.string(),
    format: z.enum(IMPORT_FORMAT_NAMES),
    dryRun: z.boolean().nullish(),
    onError: z.enum(ON_ERROR).nullish(),
    map: z
      .array(z.string().max(5_000))
      // A query string may have all in one value.
      .transform((pairs) => pairs.flatMap((pair) => pair.split(/(?<=:\w+),/)))
      .pipe(z.array(z.string()).max(MAX_MAPPINGS, `must have at most ${MAX_MAPPINGS} items`))
      .nullish(),
    content: z.custom<StreamedBody>(),
  })
  .check(({ value: { format, map }, issues }) => {
    const refuse = (message: string) => issues.push({ code: 'custom', path: ['map'], message, input: map })
    const problem = (map ?? []).map(mappingProblem).find((one) => one !== undefined)
    if (problem !== undefined) refuse(problem)
    if (map?.length && format !== 'csv') refuse('is only for the format csv')
  })

export type ImportTasksValues = z.infer<typeof importTasksRules>

/** Splits "Name:title,Text:description", as a query string has it. */
export function readMap(pairs: readonly string[] | null | undefined): Map<string, string> {
  return new Map(
    (pairs ?? []).map((pair) => {
      const colon = pair.lastIndexOf(':')
      return [pair.slice(0, colon).trim(), pair.slice(colon + 1).trim()] as const
    }),
  )
}
