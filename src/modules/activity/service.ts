import type { Context } from '../../request/context.ts'
import type { Connection } from '../../schema/lists.ts'
import { requireProject } from '../projects/policy.ts'
import { requireTask } from '../tasks/policy.ts'
import type { ListActivityValues } from './input.ts'
import { type Entry, loadActivity } from './loader.ts'

/** Lists what happened to a task, newest first. Needs VIEWER. */
export async function listTaskActivity(ctx: Context, { id, ...args }: ListActivityValues): Promise<Connection<Entry>> {
  const task = await requireTask(ctx, id, { needed: 'VIEWER' })
  return loadActivity(ctx, { of: 'task', id: task.id, args })
}

/** Lists what happened in a project, newest first. Needs VIEWER. */
export async function listProjectActivity(
  ctx: Context,
  { id, ...args }: ListActivityValues,
): Promise<Connection<Entry>> {
  await requireProject(ctx, id, 'VIEWER', ['id'])
  return loadActivity(ctx, { of: 'project', id, args })
}
