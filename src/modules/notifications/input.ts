import { z } from 'zod'
import { NotificationKind } from '../../generated/prisma/enums.ts'
import { checkPage, cursor, MAX_PAGE, pageRules } from '../../schema/lists.ts'
import { notNull, text } from '../../schema/rules.ts'

const kind = z.enum(NotificationKind)
const KINDS = Object.keys(NotificationKind).length

export const listNotificationsRules = pageRules
  .extend({ unread: z.boolean().nullish(), kinds: z.array(kind).min(1, 'must not be empty').max(KINDS).nullish() })
  .check(checkPage)

/** Accepts any string as an id: one that is no UUID is not found. */
export const markNotificationsReadRules = z
  .object({
    ids: z.array(z.string()).min(1, 'must not be empty').max(MAX_PAGE, `must have at most ${MAX_PAGE} items`).nullish(),
    all: z
      .boolean()
      .meta({ examples: [true] })
      .nullish(),
  })
  .superRefine(({ ids, all }, issues) => {
    const refuse = (message: string) =>
      issues.addIssue({ code: 'custom', path: ['ids'], message, params: { rule: 'contradiction' } })
    if (ids != null && all) refuse('cannot be combined with all')
    else if (ids == null && !all) refuse('is required unless all is true')
  })

export const followNotificationsRules = z.object({ after: cursor.nullish() })

export const pushUrl = text(2_000, 1).meta({ format: 'uri', examples: ['https://ntfy.sh/my-secret-topic'] })

const preference = z.object({
  kind,
  inProduct: notNull(z.boolean()),
  email: notNull(z.boolean()),
  push: notNull(z.boolean()),
})

export const preferences = z.array(preference).max(KINDS, `must have at most ${KINDS} items`)

export const updatePreferencesRules = z.object({
  pushUrl: pushUrl.nullish(),
  kinds: notNull(
    preferences.superRefine((given, issues) => {
      for (const [index, { kind }] of given.entries()) {
        if (given.findIndex((one) => one.kind === kind) < index)
          issues.addIssue({ code: 'custom', path: [index, 'kind'], message: 'must not be repeated' })
      }
    }),
  ),
})

export const notifyUserRules = z.object({
  message: text(2_000, 1)
    .refine((value) => value.trim() !== '', 'must not be blank')
    .meta({ pattern: '\\S', examples: ['The server restarts at noon.'] }),
})

export type ListNotificationsValues = z.infer<typeof listNotificationsRules>
export type MarkNotificationsReadValues = z.infer<typeof markNotificationsReadRules>
export type UpdatePreferencesValues = z.infer<typeof updatePreferencesRules>
export type NotifyUserValues = z.infer<typeof notifyUserRules>
