import type { Issue } from '../../gateway/errors.ts'
import type { Context } from '../../request/context.ts'
import { dateIssues } from './dates.ts'
import { linkError, NOT_A_MEMBER } from './link-errors.ts'
import { findHeights, findLabels, findMembers, findParents } from './link-lookups.ts'
import type { FoundTask } from './policy.ts'
import { TaskTree, treeIssue } from './tree-rules.ts'

/** Links and dates to set on a task of a project. Absent or null links set none. */
export interface Links {
  projectId: string
  /** Absent for a new task. */
  taskId?: string
  /** Present links, which may stay: a parent in the trash, people who have left the project. */
  now?: Pick<FoundTask, 'parentId' | 'assigneeIds' | 'startAt' | 'dueAt' | 'dueOn'>
  parentId?: string | null | undefined
  assigneeIds?: readonly string[] | null | undefined
  labelIds?: readonly string[] | null | undefined
  startAt?: Date | null | undefined
  dueAt?: Date | null | undefined
  dueOn?: Date | string | null | undefined
}

/** Links as they are stored: ids in place of keys, without duplicates. */
export interface TaskLinks {
  parentId: string | null | undefined
  assigneeIds: string[] | undefined
  labelIds: string[] | undefined
}

/** Links and the problems found with them. Paths are relative to the links. */
export interface CheckedLinks extends TaskLinks {
  issues: Issue[]
}

/**
 * Checks the links and dates of any number of tasks, with one statement per kind of link. A parent and
 * labels must belong to the task's project, and assignees must be its members. Hidden rows
 * count as unknown.
 */
export async function checkLinks(ctx: Context, tasks: readonly Links[]): Promise<CheckedLinks[]> {
  const people = tasks.flatMap((task) => task.assigneeIds ?? [])
  const projects = tasks.flatMap((task) => (task.assigneeIds?.length ? [task.projectId] : []))
  const moved = tasks.flatMap(({ taskId, parentId }) => (taskId && parentId != null ? [taskId] : []))
  const [parents, members, labels, heights] = await Promise.all([
    findParents(ctx, present(tasks.map((task) => task.parentId))),
    findMembers(ctx, people, projects),
    findLabels(ctx, present(tasks.flatMap((task) => task.labelIds ?? []))),
    findHeights(ctx, moved),
  ])
  const tree = new TaskTree(parents.parentOf, heights)

  return tasks.map(({ projectId, taskId, now, parentId, assigneeIds, labelIds, ...dates }) => {
    const issues = dateIssues(dates, now)
    const requireInProject = (found: string | undefined, id: string, noun: 'task' | 'label', path: Issue['path']) => {
      if (found === undefined) issues.push({ path, code: 'not_found', message: unknownLink(noun, id) })
      else if (found !== projectId)
        issues.push({ path, code: 'another_project', message: `is a ${noun} of another project` })
    }
    const parent = parentId == null ? undefined : parents.visible.get(parentId)
    const keepsParent = parentId != null && parentId.toLowerCase() === now?.parentId
    if (parentId != null && !keepsParent) requireInProject(parent?.projectId, parentId, 'task', ['parentId'])
    const broken = parent && tree.brokenRule(parent.id, taskId)
    if (broken) issues.push(treeIssue(broken))
    for (const [index, id] of (labelIds ?? []).entries())
      requireInProject(labels.get(id.toLowerCase()), id, 'label', ['labelIds', index])
    for (const [index, id] of (assigneeIds ?? []).entries()) {
      if (members.has(`${projectId} ${id.toLowerCase()}`) || now?.assigneeIds.includes(id.toLowerCase())) continue
      issues.push({ path: ['assigneeIds', index], ...NOT_A_MEMBER })
    }
    // Later tasks of a batch are checked against this move.
    if (taskId && parentId !== undefined && issues.length === 0) tree.move(taskId, parent?.id ?? null)
    return {
      parentId: parentId == null ? parentId : keepsParent ? now.parentId : parent?.id,
      assigneeIds: unique(assigneeIds),
      labelIds: unique(labelIds),
      issues,
    }
  })
}

/** Checks the links of one task. Throws an error with every problem; `path` leads to the links. */
export async function requireLinks(ctx: Context, links: Links, path: Issue['path'] = ['input']): Promise<TaskLinks> {
  const [checked] = await checkLinks(ctx, [links])
  if (!checked) throw new Error('checkLinks returned nothing for one task')
  const { issues, ...rest } = checked
  if (issues.length > 0) throw linkError(issues.map((issue) => ({ ...issue, path: [...path, ...issue.path] })))
  return rest
}

const unknownLink = (noun: 'task' | 'label', id: string) =>
  `${noun === 'task' ? 'Task' : 'Label'} ${JSON.stringify(id)} does not exist or you cannot see it.`

const present = (values: readonly (string | null | undefined)[]) => values.filter((value) => value != null)

/** Null clears the list, as an empty one does. */
function unique(ids: readonly string[] | null | undefined): string[] | undefined {
  return ids === undefined ? undefined : [...new Set((ids ?? []).map((id) => id.toLowerCase()))]
}
