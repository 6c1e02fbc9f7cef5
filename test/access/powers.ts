import { describePersona } from './personas.ts'
import type { World } from './world.ts'

/** Derives what a persona may see and do in the worlds from its description. */

export const isAdmin = ({ persona }: World) => {
  const { admin, credential } = describePersona(persona)
  return admin === true && (credential === undefined || credential === 'admin')
}

export const isMember = ({ persona }: World) => {
  const { role, removed } = describePersona(persona)
  return role !== undefined && removed !== true
}

/** Returns true if the persona may write tasks in the project. */
export const mayWrite = (world: World) => {
  const { role } = describePersona(world.persona)
  return isAdmin(world) || (isMember(world) && (role === 'EDITOR' || role === 'OWNER'))
}

/** Returns the nouns whose events the persona sees, or undefined for all. */
export const nounsOf = ({ persona }: World) =>
  describePersona(persona).credential === 'tasks:read' ? ['task', 'comment', 'attachment'] : undefined

/** Collects what the persona may see: its own world as a member, every world as an ADMIN. */
function visible(
  world: World,
  all: readonly World[],
  { own, member, admin }: Record<'own' | 'member' | 'admin', (one: World) => string[]>,
): string[] {
  if (isAdmin(world)) return all.flatMap((one) => [...own(one), ...member(one), ...admin(one)])
  return isMember(world) ? [...own(world), ...member(world)] : own(world)
}

export const visibleProjects = (world: World, all: readonly World[]) =>
  visible(world, all, {
    own: ({ self }) => [self.inboxId],
    member: ({ projectId, secondProjectId, readable }) => [projectId, secondProjectId, readable.projectId],
    admin: ({ unseen }) => [unseen.projectId],
  })

export const visibleTasks = (world: World, all: readonly World[]) =>
  visible(world, all, {
    own: ({ self }) => [self.inboxTask.id],
    member: ({ task, subtask, readable }) => [task.id, subtask.id, readable.task.id],
    admin: ({ unseen }) => [unseen.task.id],
  })

/** Returns the visible tasks whose title contains "secret". */
export const visibleSecrets = (world: World, all: readonly World[]) =>
  visible(world, all, {
    own: () => [],
    member: ({ task, subtask }) => [task.id, subtask.id],
    admin: ({ unseen }) => [unseen.task.id],
  })

export const visibleTrash = (world: World, all: readonly World[]) =>
  visible(world, all, {
    own: () => [],
    member: ({ deletedTask }) => [deletedTask.id],
    admin: ({ unseen }) => [unseen.deletedTask.id],
  })

/** Filters ids of the persona's own world: `project` for members, plus `unseen` for ADMINs. */
export function seenHere(
  world: World,
  { project = [], unseen = [] }: { project?: string[]; unseen?: string[] },
): string[] {
  if (isAdmin(world)) return [...project, ...unseen]
  return isMember(world) ? project : []
}
