import { AppError } from '../../gateway/errors.ts'
import type { NotificationSettings } from '../../generated/prisma/client.ts'
import { NotificationKind } from '../../generated/prisma/enums.ts'
import type { Context } from '../../request/context.ts'
import { requireViewer } from '../../request/viewer.ts'
import type { UpdatePreferencesValues } from './input.ts'

export interface Preference {
  kind: NotificationKind
  inProduct: boolean
  email: boolean
  push: boolean
}

export interface Preferences {
  pushUrl: string | null
  kinds: Preference[]
}

type Settings = Omit<NotificationSettings, 'userId'>

/** Settings of a user who never changed them. */
const DEFAULTS: Settings = { pushUrl: null, notShown: [], notEmailed: [], notPushed: [] }

/** The list of kinds that are off, for each way of notifying. */
const LISTS = { inProduct: 'notShown', email: 'notEmailed', push: 'notPushed' } as const

/** Returns how the viewer wants to be notified. */
export async function getPreferences(ctx: Context): Promise<Preferences> {
  const { id: userId } = requireViewer(ctx)
  return preferencesOf((await ctx.db.notificationSettings.findUnique({ where: { userId } })) ?? DEFAULTS)
}

function preferencesOf({ pushUrl, notShown, notEmailed, notPushed }: Settings): Preferences {
  const kinds = Object.values(NotificationKind).map((kind) => ({
    kind,
    inProduct: !notShown.includes(kind),
    email: !notEmailed.includes(kind),
    push: !notPushed.includes(kind),
  }))
  return { pushUrl, kinds }
}

/** Changes how the viewer wants to be notified. What is absent stays. */
export async function updatePreferences(
  ctx: Context,
  { pushUrl, kinds }: UpdatePreferencesValues,
): Promise<Preferences> {
  const { id: userId } = requireViewer(ctx)
  const problem = pushUrl == null ? undefined : ctx.services.outbound.problemOf(pushUrl)
  if (problem) {
    const path = ['input', 'pushUrl']
    const issues = [{ path, code: 'url', message: problem }]
    throw new AppError('VALIDATION_FAILED', `${path.join('.')}: ${problem}`, { issues })
  }
  return ctx.db.$transaction(async (tx) => {
    // Changes run one at a time: each is based on the one before.
    await tx.$executeRaw`INSERT INTO "NotificationSettings" ("userId") VALUES (${userId}::uuid) ON CONFLICT DO NOTHING`
    await tx.$executeRaw`SELECT FROM "NotificationSettings" WHERE "userId" = ${userId}::uuid FOR UPDATE`
    const before = await tx.notificationSettings.findUniqueOrThrow({ where: { userId } })
    const data = { ...(pushUrl !== undefined && { pushUrl }), ...changedLists(before, kinds ?? []) }
    return preferencesOf(await tx.notificationSettings.update({ where: { userId }, data }))
  })
}

function changedLists(before: Settings, kinds: NonNullable<UpdatePreferencesValues['kinds']>) {
  const changed = Object.entries(LISTS).map(([way, list]) => {
    const off = new Set(before[list])
    for (const preference of kinds) {
      const isOn = preference[way as keyof typeof LISTS]
      if (isOn) off.delete(preference.kind)
      else if (isOn === false) off.add(preference.kind)
    }
    return [list, [...off]]
  })
  return Object.fromEntries(changed) as Record<(typeof LISTS)[keyof typeof LISTS], NotificationKind[]>
}
