import type { Database } from '../../src/database/client.ts'
import { nouns } from './nouns.ts'
import type { World } from './world.ts'

/**
 * Dumps everything that operations could change in each world, as one text per world. Comparing the
 * dumps before and after shows whether a refused operation had an effect. Ignores `lastUsedAt`.
 */
export async function tracesOf(db: Database, worlds: readonly World[]): Promise<Map<World, string>> {
  const userIds = worlds.flatMap((world) => world.userIds)
  const projectIds = worlds.flatMap((world) => world.projectIds)
  const ofUsers = { userId: { in: userIds } }
  const ofProjects = { projectId: { in: projectIds } }
  const [users, sessions, apiKeys, projects, memberships, labels, tasks] = await Promise.all([
    db.user.findMany({
      where: { OR: [{ id: { in: userIds } }, { email: { in: worlds.map((one) => one.newEmail) } }] },
    }),
    db.session.findMany({ where: ofUsers, omit: { lastUsedAt: true } }),
    db.apiKey.findMany({ where: ofUsers, omit: { lastUsedAt: true, hash: true } }),
    db.project.findMany({ where: { id: { in: projectIds } } }),
    // A new project of a user shows up only as a membership.
    db.membership.findMany({ where: { OR: [ofUsers, ofProjects] } }),
    db.label.findMany({ where: ofProjects }),
    db.task.findMany({ where: ofProjects }),
  ])
  const taskIds = tasks.map(({ id }) => id)
  const relations = await db.taskRelation.findMany({
    where: { OR: [{ sourceId: { in: taskIds } }, { targetId: { in: taskIds } }] },
  })
  const owners = new Map<string, World>()
  for (const world of worlds) {
    const { userIds, projectIds, newEmail } = world
    for (const key of [...userIds, ...projectIds, newEmail]) owners.set(key, world)
  }
  for (const { id, projectId } of tasks) owners.set(id, owners.get(projectId)!)
  const found = new Map<World, string[]>(worlds.map((world) => [world, []]))
  const note = (rows: readonly object[], ...keys: string[]) => {
    for (const row of rows) {
      const fields = row as Record<string, string>
      const world = keys.map((key) => owners.get(fields[key] ?? '')).find((one) => one !== undefined)
      if (world) found.get(world)?.push(JSON.stringify(row))
    }
  }
  note(users, 'id', 'email')
  note(sessions, 'userId')
  note(apiKeys, 'userId')
  note(projects, 'id')
  note(memberships, 'userId', 'projectId')
  note(labels, 'projectId')
  note(tasks, 'projectId')
  note(relations, 'sourceId')
  for (const { traces } of nouns) {
    const own = await traces?.(db, { userIds, projectIds })
    if (own) note(own.rows, own.owner)
  }
  return new Map([...found].map(([world, rows]) => [world, rows.sort().join('\n')]))
}
