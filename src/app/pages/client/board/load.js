// Reads what a board needs.

import { api, Refusal } from '../shared/api.js'
import { STATUSES } from './store.js'

const PAGE = 100
/** Of each status. More would be no board. */
const MOST = 5_000

/** Calls `onPage` with each page of a list. */
async function eachPage(call, query, onPage, most = MOST) {
  let after
  for (let count = 0; count < most; count += PAGE) {
    const { nodes, pageInfo } = await api(call, { query: { ...query, limit: PAGE, ...(after && { after }) } })
    onPage(nodes)
    if (!pageInfo.hasNextPage) return
    after = pageInfo.endCursor
  }
}

async function all(call, query = {}) {
  const found = []
  await eachPage(call, query, (nodes) => found.push(...nodes))
  return found
}

export async function loadProjects() {
  const projects = await all('GET /projects')
  return projects.filter(({ archivedAt }) => archivedAt === null).sort((a, b) => (a.key < b.key ? -1 : 1))
}

export async function loadPeople(projectId) {
  const members = await all(`GET /projects/${projectId}/members`)
  return members.map(({ user, role }) => ({ id: user.id, name: user.name, role }))
}

export const loadLabels = (projectId) => all(`GET /projects/${projectId}/labels`)

export const loadCursor = async () => (await api('GET /events/cursor')).cursor

/** Reads all tasks of a project, a page of each status at a time. */
export function loadTasks(projectId, onPage) {
  const query = { projectId, orderBy: 'rank:asc' }
  return Promise.all(STATUSES.map(({ id }) => eachPage('GET /tasks', { ...query, status: id }, onPage)))
}

export const loadTask = (id) => api(`GET /tasks/${id}`)

export const loadComments = (taskId) => all(`GET /tasks/${taskId}/comments`, { include: 'author' })

export const loadFiles = (taskId) => all(`GET /tasks/${taskId}/attachments`, { include: 'uploader' })

export const isConflict = (error) => error instanceof Refusal && error.status === 412
