import { WebSocket } from 'ws'
import type { Random } from '../../support/random.ts'
import { type Hostile, oddValue, repeat } from './documents.ts'

/** What a door answered. Everything but a status of 500 and the code INTERNAL is fine. */
export interface Answer {
  status: number
  bytes: number
  code: string | undefined
}

export interface Target {
  url: string
  token: string
  random: Random
}

/** Sends a document. Returns undefined if the door cannot carry it. */
type Door = (target: Target, document: Hostile) => Promise<Answer | undefined>

const CODE = /"code":"([A-Z_]+)"/

async function send(
  url: string,
  token: string,
  init: RequestInit & { headers?: Record<string, string> },
): Promise<Answer> {
  const headers = { authorization: `Bearer ${token}`, ...init.headers }
  const response = await fetch(url, { ...init, headers, signal: AbortSignal.timeout(60_000) })
  const text = await response.text()
  return { status: response.status, bytes: text.length, code: CODE.exec(text)?.[1] }
}

const JSON_BODY = { 'content-type': 'application/json' }
/** Longer lines are refused before they are read. */
const MAX_URL = 15_000

const REST_LISTS = ['/tasks', '/projects', '/events']

/** Requests of the same shapes for REST, which has no documents. */
function restCall({ random }: Target, { kind, variables }: Hostile): { method: string; path: string; body?: unknown } {
  const value = variables ? (variables.v ?? variables.id ?? variables.title) : oddValue(random)
  const json = encodeURIComponent(JSON.stringify(value) ?? 'null').slice(0, MAX_URL)
  return random.pick([
    {
      method: 'GET',
      path: `/tasks?limit=100&include=${'relations,labels,assignees,project,parent,creator,'.repeat(1 + random.below(200))}relations`,
    },
    { method: 'GET', path: `/tasks?fields=${repeat(1 + random.below(2_000), () => 'id', ',')}` },
    { method: 'GET', path: `/tasks?${repeat(1 + random.below(2_000), (index) => `x${index}=1`, '&')}` },
    { method: 'GET', path: `${random.pick(REST_LISTS)}?filter=${json}` },
    { method: 'GET', path: `/tasks/${json.slice(0, 10_000)}` },
    {
      method: 'GET',
      path: `/tasks?include=relations&limit=100&${kind.includes('relations') ? 'fields=description' : ''}`,
    },
    { method: 'POST', path: '/tasks', body: value },
    { method: 'POST', path: '/tasks', body: { title: value } },
    { method: 'PATCH', path: '/tasks/WEB-1', body: { labelIds: value } },
    { method: 'POST', path: '/tasks/bulk', body: { items: value } },
    { method: 'POST', path: '/tasks/bulk', body: { items: [value], dryRun: true } },
    { method: 'POST', path: '/auth/login', body: value },
  ])
}

export const DOORS: Record<string, Door> = {
  POST: ({ url, token }, { query, variables }) =>
    send(`${url}/graphql`, token, { method: 'POST', headers: JSON_BODY, body: JSON.stringify({ query, variables }) }),
  async GET({ url, token }, { query, variables }) {
    const search = new URLSearchParams({ query, ...(variables && { variables: JSON.stringify(variables) }) })
    return search.size * 0 + String(search).length > MAX_URL ? undefined : send(`${url}/graphql?${search}`, token, {})
  },
  SSE: ({ url, token }, { query, variables }) =>
    send(`${url}/graphql`, token, {
      method: 'POST',
      headers: { ...JSON_BODY, accept: 'text/event-stream' },
      body: JSON.stringify({ query, variables }),
    }),
  websocket: ({ url, token }, { query, variables }) =>
    new Promise((resolve, reject) => {
      const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws')
      const end = (answer: Answer) => {
        resolve(answer)
        socket.close()
      }
      socket.once('error', reject)
      socket.once('close', (code) => resolve({ status: code, bytes: 0, code: undefined }))
      socket.once('open', () =>
        socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } })),
      )
      socket.on('message', (data) => {
        const text = String(data)
        if (text.includes('"connection_ack"'))
          socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query, variables } }))
        else end({ status: 200, bytes: text.length, code: CODE.exec(text)?.[1] })
      })
    }),
  async REST(target, document) {
    const { method, path, body } = restCall(target, document)
    return send(`${target.url}/api/v1${path}`, target.token, {
      method,
      ...(body !== undefined && { headers: JSON_BODY, body: JSON.stringify(body) }),
    })
  },
}
