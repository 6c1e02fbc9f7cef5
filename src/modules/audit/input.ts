import { z } from 'zod'
import { checkPage, pageRules } from '../../schema/lists.ts'
import { id } from '../../schema/rules.ts'
import { AUDIT_ACTION_NAMES } from './actions.ts'

const action = z.string().meta({ enum: AUDIT_ACTION_NAMES, examples: ['session.opened'] })

const isKnown = (name: string) => (AUDIT_ACTION_NAMES as string[]).includes(name)
const unknown = ({ input }: { input?: unknown }) => {
  const [first] = (input as string[]).filter((name) => !isKnown(name))
  return `has the unknown action ${JSON.stringify(first)}; known are ${AUDIT_ACTION_NAMES.join(', ')}`
}

/** Checked as a whole: in REST, the issues of a list have no index. */
const actions = z
  .array(action)
  .min(1, 'must not be empty')
  .max(AUDIT_ACTION_NAMES.length)
  .refine((names) => names.every(isKnown), { error: unknown })

const filter = {
  actions: actions.nullish(),
  actorId: id.nullish(),
  userId: id.nullish(),
  subjectId: id.nullish(),
  from: z.date().nullish(),
  to: z.date().nullish(),
}

function checkTimes({ value: { from, to }, issues }: z.core.ParsePayload<{ from?: Date | null; to?: Date | null }>) {
  if (from == null || to == null || from < to) return
  const message = 'must be later than from'
  issues.push({ code: 'custom', path: ['to'], message, input: undefined, params: { rule: 'contradiction' } })
}

export const exportAuditRules = z.object(filter).check(checkTimes)
export const listAuditRules = pageRules.extend(filter).check(checkPage).check(checkTimes)

export type AuditFilterValues = z.infer<typeof exportAuditRules>
export type ListAuditValues = z.infer<typeof listAuditRules>
