import { isAdmin, isMember } from './powers.ts'
import type { World } from './world.ts'

const named = (...tasks: { id: string; key: string }[]) => tasks.flatMap(({ id, key }) => [id, key])

const membersOnly = ({ projectId, secondProjectId, readable, task, subtask, deletedTask, ...world }: World) => [
  projectId,
  secondProjectId,
  readable.projectId,
  world.labelId,
  world.relationId,
  ...world.membershipIds,
  ...named(task, subtask, deletedTask, readable.task),
]

const ownersOnly = ({ self }: World) => [self.inboxId, ...named(self.inboxTask)]

/** Omits the relation to the project's task, because the project's log may mention it. */
const adminsOnly = ({ unseen }: World) => [
  unseen.projectId,
  unseen.membershipId,
  unseen.labelId,
  ...named(unseen.task, unseen.deletedTask),
  // Everything in that project has this in its name.
  'Unseen',
]

/** Reports every id, key or name in a response that the persona may not see. */
export function leak(data: unknown, world: World, all: readonly World[]): string | undefined {
  if (isAdmin(world)) return undefined
  const others = all.filter((one) => one !== world)
  const hidden = [
    ...all.flatMap(adminsOnly),
    ...others.flatMap((one) => [...membersOnly(one), ...ownersOnly(one)]),
    ...(isMember(world) ? [] : membersOnly(world)),
  ]
  const text = JSON.stringify(data ?? null)
  const shown = hidden.filter((name) => text.includes(name))
  return shown.length > 0 ? `leaked ${[...new Set(shown)].join(', ')}` : undefined
}
