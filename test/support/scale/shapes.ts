import { createHash } from 'node:crypto'
import type { ListTasksValues } from '../../../src/modules/tasks/list/input.ts'

/** Returns the id that fill.sql derives from a name. */
export function madeId(name: string): string {
  const hex = createHash('md5').update(name).digest('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}

export interface Shape {
  name: string
  args: ListTasksValues
  /**
   * ADMIN sees every task. Default: a member of four projects, one of which has a quarter
   * of all tasks.
   */
  role?: 'ADMIN'
  /** For ranked searches: the number of matches that must be read to find the best page. */
  ranked?: number
}

/** A member of four projects: the large one and three others. */
export const VIEWER = madeId('user7')
/** One of the three, with 750 tasks. */
const PROJECT = madeId('project8')
const LARGE_PROJECT = madeId('project1')
const ASC = 'ASC' as const
const DESC = 'DESC' as const

/**
 * The thirteen lists that boards, task lists and search boxes need. `parent` is the id of a task
 * with sub-tasks.
 */
export const shapes = (parent: string): Shape[] => [
  {
    name: 'a board column',
    args: { filter: { projectId: PROJECT, status: ['PENDING'] }, orderBy: [{ field: 'CREATED_AT', direction: DESC }] },
  },
  {
    name: 'a board column in its order',
    args: { filter: { projectId: PROJECT, status: ['PENDING'] }, orderBy: [{ field: 'RANK', direction: ASC }] },
  },
  {
    name: 'my open tasks',
    args: {
      filter: { assigneeId: ['me'], status: ['PENDING', 'IN_PROGRESS'] },
      orderBy: [{ field: 'DUE_AT', direction: ASC }],
    },
  },
  { name: 'overdue', args: { filter: { overdue: true }, orderBy: [{ field: 'DUE_AT', direction: ASC }] } },
  {
    name: 'by label',
    args: { filter: { labelId: { any: [madeId('label8-3')] } }, orderBy: [{ field: 'CREATED_AT', direction: DESC }] },
  },
  {
    name: 'by assignee and status',
    args: {
      filter: { assigneeId: [VIEWER], status: ['COMPLETED'] },
      orderBy: [{ field: 'CREATED_AT', direction: DESC }],
    },
  },
  {
    name: 'newest in a project',
    args: { filter: { projectId: PROJECT }, orderBy: [{ field: 'CREATED_AT', direction: DESC }] },
  },
  {
    name: 'by priority then due date',
    args: {
      filter: { projectId: PROJECT },
      orderBy: [
        { field: 'PRIORITY', direction: DESC },
        { field: 'DUE_AT', direction: ASC },
      ],
    },
  },
  { name: 'sub-tasks', args: { filter: { parentId: parent }, orderBy: [{ field: 'CREATED_AT', direction: ASC }] } },
  { name: 'search rare', args: { filter: { search: 'zebra' } }, role: 'ADMIN', ranked: 40 },
  { name: 'search common', args: { filter: { search: 'task' } }, role: 'ADMIN', ranked: 10_000 },
  { name: 'search within a project', args: { filter: { search: 'login', projectId: PROJECT } }, ranked: 500 },
  {
    name: 'a three-way and/or/not',
    args: {
      filter: {
        projectId: PROJECT,
        and: [{ priority: { gte: 2 } }],
        or: [{ assigneeId: ['none'] }, { status: ['COMPLETED'] }],
        not: { labelId: { any: [madeId('label8-1')] } },
      },
      orderBy: [{ field: 'CREATED_AT', direction: DESC }],
    },
  },
]

/** Lists that are long enough to have a page 10,000. */
export const longLists: Shape[] = [
  {
    name: 'newest in the large project',
    args: { filter: { projectId: LARGE_PROJECT }, orderBy: [{ field: 'CREATED_AT', direction: DESC }] },
  },
  {
    name: 'by priority then due date in the large project',
    args: {
      filter: { projectId: LARGE_PROJECT },
      orderBy: [
        { field: 'PRIORITY', direction: DESC },
        { field: 'DUE_AT', direction: ASC },
      ],
    },
  },
  {
    name: 'by title in the large project',
    args: { filter: { projectId: LARGE_PROJECT }, orderBy: [{ field: 'TITLE', direction: ASC }] },
  },
  {
    name: 'the board order of the large project',
    args: { filter: { projectId: LARGE_PROJECT }, orderBy: [{ field: 'RANK', direction: ASC }] },
  },
  { name: 'everything I see', args: { orderBy: [{ field: 'CREATED_AT', direction: DESC }] } },
]
