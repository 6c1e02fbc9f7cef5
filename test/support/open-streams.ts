import { expect } from 'vitest'
import { eventStream, type GraphqlAnswer, type Inbox, rest, type ServerSentEvent } from './clients.ts'
import { graphqlStream, openSocket, type Socket } from './sockets.ts'
import { until } from './wait.ts'

type Server = { url: string }

/** Credential of a stream. */
export type Credential = { token: string } | { apiKey: string }

export interface OpenStreams {
  socket: Socket
  inboxes: {
    websocket: Inbox<GraphqlAnswer>
    rest: Inbox<ServerSentEvent>
    ticket: Inbox<ServerSentEvent>
    graphql: Inbox<GraphqlAnswer>
  }
  /** Reads the next event of each stream; fails if one has none. */
  receive(): Promise<void>
  /** How each stream ended; undefined while it is open. */
  endings(): Promise<Endings>
}

export type Endings = Record<'websocket' | 'rest' | 'ticket' | 'graphql', unknown>

/** Endings of streams whose credential became invalid. */
export const ENDED: Endings = {
  websocket: 4403,
  rest: 'UNAUTHENTICATED',
  ticket: 'UNAUTHENTICATED',
  graphql: 'UNAUTHENTICATED',
}
export const OPEN: Endings = { websocket: undefined, rest: undefined, ticket: undefined, graphql: undefined }

export function headersOf(credential: Credential): Record<string, string> {
  return 'token' in credential ? { authorization: `Bearer ${credential.token}` } : { 'x-api-key': credential.apiKey }
}

/** Opens each kind of stream and waits until each delivers an event made by `makeEvent`. */
export async function openStreams(
  server: Server,
  credential: Credential,
  makeEvent: () => Promise<unknown>,
): Promise<OpenStreams> {
  const headers = headersOf(credential)
  const { cursor } = (await rest(server, 'GET /events/cursor', { headers })).body
  const { ticket } = (await rest(server, 'POST /auth/stream-ticket', { headers })).body
  const { authorization, 'x-api-key': apiKey } = headers
  const socket = await openSocket(server, { authorization, apiKey })
  const query = `subscription { taskEvents(after: "${cursor}") { type taskId } }`
  const inboxes = {
    websocket: socket.follow(query),
    rest: (await eventStream(server, `/events/stream?after=${cursor}`, { headers })).inbox,
    ticket: (await eventStream(server, `/events/stream?after=${cursor}&ticket=${ticket}`)).inbox,
    graphql: (await graphqlStream(server, query, { headers })).inbox,
  }
  const receive = async () => {
    await Promise.all(Object.values(inboxes).map((inbox) => inbox.next()))
  }
  await makeEvent()
  await receive()
  return { socket, inboxes, receive, endings: () => endings(socket, inboxes) }
}

async function endings(socket: Socket, { rest, ticket, graphql }: OpenStreams['inboxes']): Promise<Endings> {
  return {
    websocket: socket.closing?.code,
    rest: await lastCode(rest, (event) => event.data?.code),
    ticket: await lastCode(ticket, (event) => event.data?.code),
    graphql: await lastCode(graphql, ({ errors }) => errors?.[0]?.extensions.code),
  }
}

const lastCodes = new WeakMap<object, unknown>()

/** Returns the error code in the last message of an ended stream. */
async function lastCode<T>(inbox: Inbox<T>, codeOf: (message: T) => unknown): Promise<unknown> {
  if (!inbox.ended) return undefined
  while (inbox.size > 0) lastCodes.set(inbox, codeOf(await inbox.next()))
  return lastCodes.get(inbox) ?? 'ended without a reason'
}

/**
 * Waits until all streams have ended as expected, and shows those that have not. Allows for
 * a busy machine.
 */
export async function expectEnded(streams: readonly OpenStreams[], withinMs = 10_000): Promise<void> {
  const started = performance.now()
  const state = () => Promise.all(streams.map((one) => one.endings()))
  const over = (all: Endings[]) => all.every((one) => Object.values(one).every((ending) => ending !== undefined))
  await until('all streams end', async () => over(await state()), withinMs).catch(() => undefined)
  const took = Math.round(performance.now() - started)
  expect(await state(), `after ${took} ms`).toEqual(streams.map(() => ENDED))
}
