import { graphql, rest } from './clients.ts'
import { graphqlStream, openSocket } from './sockets.ts'
import { until } from './wait.ts'

/** Every place that accepts a credential, and its response to one. */

const ME = '{ me { id } }'
const FOLLOW = 'subscription { taskEvents { cursor } }'
const RENEW = 'mutation ($accessToken: String!) { renewConnection(accessToken: $accessToken) { expiresAt } }'

type Server = { url: string }
/** Returns the error code of the refusal, or undefined if the door accepts the credential. */
type Door = (server: Server, credential: string, owner: string) => Promise<string | undefined>

/** Encodes a credential as UTF-8 bytes for a header. Undefined if a header cannot carry it. */
function inHeader(credential: string): string | undefined {
  const bytes = Buffer.from(credential).toString('latin1')
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a header must not contain these
  return /[\u0000-\u0008\u000a-\u001f\u007f]/.test(bytes) ? undefined : bytes
}

function throughHeader(
  ask: (server: Server, authorization: string, owner: string) => Promise<string | undefined>,
): Door {
  return async (server, credential, owner) => {
    const bytes = inHeader(credential)
    return bytes === undefined ? 'UNAUTHENTICATED' : ask(server, `Bearer ${bytes}`, owner)
  }
}

const codeOf = ({ errors }: { errors?: { extensions: { code: string } }[] }) => errors?.[0]?.extensions.code

async function follow(server: Server, path: string, headers: Record<string, string>): Promise<string | undefined> {
  const abort = new AbortController()
  const response = await fetch(`${server.url}/api/v1${path}`, {
    headers: { accept: 'text/event-stream', ...headers },
    signal: abort.signal,
  })
  if (response.ok) return void abort.abort()
  return ((await response.json()) as { code: string }).code
}

/** Connects with a credential. Without one, the socket opens but refuses every operation. */
export async function overSocket(server: Server, params: unknown, headers?: Record<string, string>) {
  const socket = await openSocket(server, params, headers)
  if (socket.closing?.code === 4403 && socket.closing.reason !== '') return 'UNAUTHENTICATED'
  if (socket.closing) return `closed ${socket.closing.code}`
  const asked = codeOf(await socket.ask(ME))
  // An accepted stream sends nothing; only a refused one has a result.
  const followed = asked && codeOf(await socket.ask(FOLLOW))
  socket.close()
  return asked === followed ? asked : `${asked}, but a stream ${followed}`
}

export const DOORS = {
  'GraphQL over HTTP': throughHeader(async (server, authorization) =>
    codeOf(await graphql(server, ME, {}, { headers: { authorization } })),
  ),
  REST: throughHeader(async (server, authorization) => {
    const { status, body } = await rest(server, 'GET /me', { headers: { authorization } })
    return status === 401 ? body.code : status < 400 ? undefined : `${status} ${body?.code}`
  }),
  'REST stream': throughHeader((server, authorization) => follow(server, '/events/stream', { authorization })),
  'REST stream by ticket': (server, credential) =>
    follow(server, `/events/stream?ticket=${encodeURIComponent(credential.toWellFormed())}`, {}),
  'GraphQL stream': throughHeader(async (server, authorization, owner) => {
    const { inbox } = await graphqlStream(server, FOLLOW, { headers: { authorization } })
    // A refusal is sent at once. An accepted stream sends nothing until there is an event.
    let asked = 0
    await until('the stream sends something', async () => {
      if (inbox.size === 0 && !inbox.ended && asked++ > 200)
        await rest(server, 'POST /tasks', { token: owner, body: { title: 'A task' } })
      return inbox.size > 0 || inbox.ended !== undefined
    })
    return codeOf(await inbox.next())
  }),
  'websocket, authorization': (server, credential) => overSocket(server, { authorization: `Bearer ${credential}` }),
  'websocket, apiKey': (server, credential) => overSocket(server, { apiKey: credential }),
  'websocket, header': throughHeader((server, authorization) => overSocket(server, {}, { authorization })),
  renewConnection: async (server, credential, owner) => {
    const socket = await openSocket(server, { authorization: `Bearer ${owner}` })
    const code = codeOf(await socket.ask(RENEW, { accessToken: credential }))
    // A refused credential must not replace the valid one.
    const after = codeOf(await socket.ask(ME))
    socket.close()
    return after === undefined ? code : `the socket lost its own credential: ${after}`
  },
  'refresh token': async (server, credential) => {
    const { status, body } = await rest(server, 'POST /auth/refresh', { body: { refreshToken: credential } })
    return status < 400 ? undefined : body.code
  },
} satisfies Record<string, Door>

export type DoorName = keyof typeof DOORS

/** Tries a credential at each door. `owner` is a valid token for doors that require a session. */
export async function knock(
  server: Server,
  credential: string,
  owner: string,
  except: readonly DoorName[] = [],
): Promise<Record<string, string | undefined>> {
  const entries = Object.entries(DOORS).filter(([name]) => !except.includes(name as DoorName))
  const answers = await Promise.all(
    entries.map(async ([name, door]) => [name, await door(server, credential, owner)] as const),
  )
  return Object.fromEntries(answers)
}

/** Returns the doors that did not plainly refuse the credential, as invalid or malformed. */
export function openedOrBroken(answers: Record<string, string | undefined>): Record<string, string> {
  const values = ['renewConnection', 'refresh token']
  const refused = (name: string, code: string | undefined) =>
    code === 'UNAUTHENTICATED' || (values.includes(name) && code === 'VALIDATION_FAILED')
  return Object.fromEntries(
    Object.entries(answers)
      .filter(([name, code]) => !refused(name, code))
      .map(([name, code]) => [name, code ?? 'accepted']),
  )
}
