// The same operation in both protocols, as shown and as sent.

import { apiPath, authorizedFetch } from '../shared/api.js'

const PRIORITY = 4

export const graphqlText = (title) => `POST /graphql

mutation {
  createTask(input: {
    title: ${JSON.stringify(title)}, priority: ${PRIORITY}
  }) {
    key title status priority
  }
}`

export const restText = (title) => `POST ${apiPath('/tasks')}?fields=key,title,status,priority

{
  "title": ${JSON.stringify(title)},
  "priority": ${PRIORITY}
}`

const bodyOf = (text) => text.slice(text.indexOf('\n\n') + 2)

export const createOverGraphql = (title) => call('/graphql', { query: bodyOf(graphqlText(title)) })

export const createOverRest = (title) =>
  call(`${apiPath('/tasks')}?fields=key,title,status,priority`, JSON.parse(bodyOf(restText(title))))

/** Returns the status, the answer as indented text, and the milliseconds that it took. */
async function call(path, body) {
  const started = performance.now()
  try {
    const response = await authorizedFetch(path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Accept: 'application/json' },
      body: JSON.stringify(body),
    })
    const answer = await response.json()
    const ms = performance.now() - started
    const failed = !response.ok || answer.errors !== undefined
    return { failed, status: `${response.status} in ${ms.toFixed(0)} ms`, text: JSON.stringify(answer, null, 2) }
  } catch {
    return { failed: true, status: 'No answer', text: 'The server cannot be reached. Is it still running?' }
  }
}
