import { onTestFinished } from 'vitest'
import { eventStream, type GraphqlAnswer, Inbox, type RestAnswer, rest } from '../support/clients.ts'
import {
  type Answer,
  type Credential,
  documentOf,
  openSocket,
  parametersOf,
  type RootField,
  refusalOf,
  type Variables,
} from './doors.ts'

/** An item of a stream in one shape for every door: OK with an event, or the final refusal. */
export type Carried = Answer

type Next = () => Promise<Carried>
type Server = { url: string }
type Open = (server: Server, root: RootField, variables: Variables, sent: Credential) => Promise<Next>

/** Opens a subscription through each door. The reader yields a refusal as its first item. */
export const STREAM_DOORS = {
  websocket: overWebsocket,
  SSE: overSse,
  'SSE by ticket': overTicket,
  'GraphQL over SSE': overGraphql,
} satisfies Record<string, Open>

const ok = (data: unknown): Carried => ({ code: 'OK', data, exchange: JSON.stringify(data) })

function refused(code: unknown, message: string | undefined, what: unknown): Carried {
  return { code: String(code), data: undefined, message, exchange: JSON.stringify(what) }
}

function fromGraphql(name: string, { data, errors }: Pick<GraphqlAnswer, 'data' | 'errors'>): Carried {
  const [error] = errors ?? []
  return error ? refused(error.extensions?.code, error.message, { data, errors }) : ok(data?.[name])
}

async function overWebsocket(server: Server, root: RootField, variables: Variables, sent: Credential): Promise<Next> {
  const socket = openSocket(server, sent)
  onTestFinished(() => void socket.dispose())
  const inbox = new Inbox<Carried>()
  socket.subscribe(
    { query: documentOf(root), variables },
    {
      next: (result) => inbox.push(fromGraphql(root.field.name, result as unknown as GraphqlAnswer)),
      error: (problem) => {
        if (Array.isArray(problem)) inbox.push(fromGraphql(root.field.name, { data: null, errors: problem as never }))
        const refusal = refusalOf(problem, 'the websocket closed')
        if (refusal) inbox.push(refusal)
        inbox.end(problem)
      },
      complete: () => inbox.end(),
    },
  )
  return () => inbox.next()
}

const headersOf = ({ apiKey }: Credential): Record<string, string> => (apiKey ? { 'x-api-key': apiKey } : {})

const queryOf = (variables: Variables) =>
  new URLSearchParams(Object.entries(variables).flatMap(([name, value]) => parametersOf(name, value)))

const pathOf = ({ field }: RootField) => (field.extensions as { rest: { path: string } }).rest.path

async function overSse(server: Server, root: RootField, variables: Variables, sent: Credential): Promise<Next> {
  const query = queryOf(variables)
  return readSse(await eventStream(server, `${pathOf(root)}?${query}`, { token: sent.token, headers: headersOf(sent) }))
}

/** Opens a stream like an EventSource, which cannot send headers. */
async function overTicket(server: Server, root: RootField, variables: Variables, sent: Credential): Promise<Next> {
  const made = await rest(server, 'POST /auth/stream-ticket', { token: sent.token, headers: headersOf(sent) })
  if (made.status !== 200) return async () => fromProblem(made)
  const query = queryOf({ ...variables, ticket: made.body.ticket })
  return readSse(await eventStream(server, `${pathOf(root)}?${query}`))
}

async function readSse({ response, inbox }: Awaited<ReturnType<typeof eventStream>>): Promise<Next> {
  if (!response.ok) {
    const text = await response.text()
    return async () => fromProblem({ status: response.status, text, body: JSON.parse(text) })
  }
  return async () => {
    const { event, data } = await inbox.next()
    return event === 'error' ? refused(data.code, data.detail, data) : ok(data)
  }
}

function fromProblem({ status, body, text }: Pick<RestAnswer, 'status' | 'body' | 'text'>): Carried {
  return body?.status === status ? refused(body.code, body.detail, body) : refused(`status ${status}`, undefined, text)
}

async function overGraphql(server: Server, root: RootField, variables: Variables, sent: Credential): Promise<Next> {
  const asked = new URLSearchParams({ query: documentOf(root), variables: JSON.stringify(variables) })
  // The helper prefixes the REST base path.
  const path = `/../../graphql?${asked}`
  const { response, inbox } = await eventStream(server, path, { token: sent.token ?? sent.apiKey })
  if (response.headers.get('content-type')?.includes('json')) {
    const answer = (await response.json()) as GraphqlAnswer
    return async () => fromGraphql(root.field.name, answer)
  }
  return async () => fromGraphql(root.field.name, (await inbox.next()).data)
}
