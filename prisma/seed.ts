import { hashPassword } from '../src/auth/passwords.ts'
import type { Database } from '../src/database/client.ts'
import type { Prisma } from '../src/generated/prisma/client.ts'
import type { ProjectRole, TaskStatus } from '../src/generated/prisma/enums.ts'

/** Password of every demo account. */
export const DEMO_PASSWORD = 'demo-password'

/** The accounts of the demo. */
export const PEOPLE = [
  { name: 'Ada Park', email: 'ada@example.com', role: 'ADMIN', inboxKey: 'ADA' },
  { name: 'Ben Okafor', email: 'ben@example.com', role: 'MEMBER', inboxKey: 'BEN' },
  { name: 'Chloé Martin', email: 'chloe@example.com', role: 'MEMBER', inboxKey: 'CHLOE' },
] as const

interface Plan {
  key: string
  name: string
  description: string
  /** Roles in the order of PEOPLE. Undefined for a person who is not a member. */
  roles: readonly (ProjectRole | undefined)[]
  verbs: readonly string[]
  things: readonly string[]
}

const PROJECTS: readonly Plan[] = [
  {
    key: 'WEB',
    name: 'Web shop',
    description: 'Everything a customer sees.',
    roles: ['OWNER', 'EDITOR', 'VIEWER'],
    verbs: ['Fix', 'Redesign', 'Speed up', 'Translate', 'Test', 'Document'],
    things: [
      'the checkout',
      'the product page',
      'search suggestions',
      'the cart on phones',
      'the gift voucher form',
      'order e-mails',
      'the size guide',
      'the returns page',
      'the cookie banner',
      'image loading',
      'the wish list',
      'the store finder',
    ],
  },
  {
    key: 'OPS',
    name: 'Operations',
    description: 'Servers, backups and on-call.',
    roles: ['EDITOR', 'OWNER', undefined],
    verbs: ['Automate', 'Monitor', 'Upgrade', 'Rehearse', 'Clean up'],
    things: [
      'the database backup',
      'certificate renewal',
      'the staging server',
      'log rotation',
      'the restore procedure',
      'disk alerts',
      'the mail relay',
      'the deploy script',
      'DNS records',
      'the on-call rota',
      'PostgreSQL',
      'the firewall rules',
    ],
  },
  {
    key: 'HIRE',
    name: 'Hiring',
    description: 'A designer and two developers by spring.',
    roles: ['OWNER', undefined, 'EDITOR'],
    verbs: ['Write', 'Review', 'Schedule', 'Send', 'Discuss'],
    things: [
      'the job ad',
      'the interview questions',
      'the trial task',
      'the first interviews',
      'answers to applicants',
      'the offer letter',
      'the first-week plan',
      'the salary bands',
      'the referral programme',
      'the careers page',
    ],
  },
]

/** The same in each project. */
const LABELS = [
  { name: 'bug', color: '#d73a4a' },
  { name: 'quick win', color: '#2da44e' },
  { name: 'waiting', color: '#9a6700' },
] as const

interface SampleProject {
  plan: Plan
  id: string
  memberIds: string[]
  labelIds: string[]
}

/** addTree adds four more. */
const TASKS = 196
const DAY_MS = 86_400_000
const STATUSES: readonly TaskStatus[] = ['PENDING', 'PENDING', 'IN_PROGRESS', 'COMPLETED', 'COMPLETED', 'CANCELLED']

/**
 * Fills an empty database with sample data: 3 users, 3 projects, 200 tasks. Only ids and dates
 * differ between runs.
 */
export async function seed(db: Database): Promise<void> {
  const passwordHash = await hashPassword(DEMO_PASSWORD)
  const users: string[] = []
  for (const person of PEOPLE) users.push(await addPerson(db, person, passwordHash))
  const projects: SampleProject[] = []
  for (const plan of PROJECTS) projects.push(await addProject(db, plan, users))
  const random = createRandom(42)
  const tasks = Array.from({ length: TASKS }, (_, index) => {
    const project = pick(projects, index % projects.length)
    return sampleTask(project, pick(users, random(2)), Math.floor(index / projects.length), random)
  })
  await db.task.createMany({ data: tasks })
  await addTree(db, pick(projects, 0))
}

/** Adds a task with sub-tasks, one blocked by two others. */
async function addTree(db: Database, { id: projectId, memberIds }: SampleProject): Promise<void> {
  const creatorId = pick(memberIds, 0)
  const add = (title: string, data: Partial<Prisma.TaskUncheckedCreateInput> = {}) =>
    db.task.create({ data: { projectId, creatorId, updatedById: creatorId, title, ...data } })
  const parent = await add('Sell gift vouchers', { priority: 4, description: 'On paper and by e-mail.' })
  const parentId = parent.id
  const design = await add('Design the voucher', { parentId, status: 'COMPLETED', assigneeIds: [creatorId] })
  const print = await add('Find a printer', { parentId, status: 'IN_PROGRESS', assigneeIds: [pick(memberIds, 1)] })
  const sell = await add('Add it to the shop', { parentId })
  for (const sourceId of [design.id, print.id]) {
    await db.taskRelation.create({ data: { type: 'BLOCKS', sourceId, targetId: sell.id, creatorId } })
  }
}

async function addPerson(
  db: Database,
  { inboxKey, ...person }: (typeof PEOPLE)[number],
  passwordHash: string,
): Promise<string> {
  const { id } = await db.user.create({ data: { ...person, passwordHash } })
  const memberships = { create: { userId: id, role: 'OWNER', updatedById: id } } as const
  const inbox = await db.project.create({ data: { key: inboxKey, name: 'Inbox', updatedById: id, memberships } })
  await db.user.update({ where: { id }, data: { inboxId: inbox.id } })
  return id
}

async function addProject(db: Database, plan: Plan, users: readonly string[]): Promise<SampleProject> {
  const { key, name, description, roles } = plan
  const updatedById = pick(users, roles.indexOf('OWNER'))
  const members = users.flatMap((userId, index) => {
    const role = roles[index]
    return role ? [{ userId, role, updatedById }] : []
  })
  const { id, labels } = await db.project.create({
    data: {
      key,
      name,
      description,
      updatedById,
      memberships: { create: members },
      labels: { create: LABELS.map((label) => ({ ...label, updatedById })) },
    },
    select: { id: true, labels: { select: { id: true } } },
  })
  return { plan, id, memberIds: members.map(({ userId }) => userId), labelIds: labels.map((label) => label.id) }
}

function sampleTask(
  { plan, id: projectId, memberIds, labelIds }: SampleProject,
  creatorId: string,
  index: number,
  random: (below: number) => number,
): Prisma.TaskCreateManyInput {
  const title = `${pick(plan.verbs, index % plan.verbs.length)} ${pick(plan.things, Math.floor(index / plan.verbs.length) % plan.things.length)}`
  const createdAt = new Date(Date.now() - (60 - random(60)) * DAY_MS - random(DAY_MS))
  const status = pick(STATUSES, random(STATUSES.length))
  return {
    projectId,
    title,
    description:
      random(3) === 0 ? `Agreed in the weekly meeting.\n\n- [ ] ask who is affected\n- [ ] describe the change` : null,
    status,
    priority: 1 + random(5),
    ...dueDate(random(2) === 0 ? new Date(Date.now() + (random(60) - 20) * DAY_MS) : null, index),
    completedAt: status === 'COMPLETED' ? new Date(createdAt.getTime() + random(20) * DAY_MS) : null,
    assigneeIds: random(4) === 0 ? [] : [pick(memberIds, random(memberIds.length))],
    labelIds: random(3) === 0 ? [pick(labelIds, random(labelIds.length))] : [],
    creatorId,
    updatedById: creatorId,
    createdAt,
    updatedAt: createdAt,
  }
}

/** Makes every third task due on a day, not at a time. */
const dueDate = (due: Date | null, index: number) =>
  index % 3 === 0 ? { dueOn: due && new Date(due.toISOString().slice(0, 10)) } : { dueAt: due }

function pick<T>(items: readonly T[], index: number): T {
  const item = items[index]
  if (item === undefined) throw new Error(`no sample at index ${index}`)
  return item
}

/** Creates a random number generator (mulberry32) that returns the same numbers in every run. */
function createRandom(start: number): (below: number) => number {
  let state = start
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * below)
  }
}
