import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buildSchema, type GraphQLSchema } from 'graphql'
import { useSofa } from 'sofa-api'
import {
  createEventLog,
  createGateway,
  type RestOptions,
  type RestStream,
} from '../../../src/gateway/library/exports.ts'
import { holdTo } from '../../support/observed-answers.ts'
import { keepingLog } from '../../support/server.ts'

/** One schema, served by stock sofa-api and by the gateway. */

const SDL = `
  enum Color { RED BLUE }
  type Note { id: ID! text: String! color: Color done: Boolean! version: Int! }
  type NoteEvent { cursor: String! kind: String! text: String! }
  type Query {
    notes(done: Boolean): [Note!]
    note(id: ID!): Note
    report: String
    broken: String
  }
  type Mutation {
    createNote(text: String!, color: Color): Note
    changeNote(id: ID!, text: String, color: Color, expectedVersion: Int): Note
  }
  type Subscription { noteAdded(after: String): NoteEvent! }
`

interface Note {
  id: string
  text: string
  color: string | null
  done: boolean
  version: number
}

const REST: Record<string, RestOptions | RestStream> = {
  notes: { path: '/notes' },
  note: { path: '/notes/{id}' },
  report: { none: 'it is internal' },
  broken: { path: '/broken', key: 'broken' },
  createNote: {
    method: 'POST',
    path: '/notes',
    status: 201,
    body: ['text', 'color'],
    location: ({ id }) => `/notes/${id}`,
  },
  changeNote: { method: 'PATCH', path: '/notes/{id}', body: ['text', 'color'] },
  noteAdded: { stream: true, path: '/notes/stream', id: 'cursor', event: 'kind' },
}

function schemaOf(): GraphQLSchema {
  const notes = new Map<string, Note>()
  const events = createEventLog<{ kind: string; text: string }>()
  const add = ({ text, color = null }: Pick<Note, 'text' | 'color'>) => {
    const note = { id: String(notes.size + 1), text, color, done: false, version: 1 }
    notes.set(note.id, note)
    events.append({ kind: 'added', text })
    return note
  }
  // biome-ignore lint/suspicious/noExplicitAny: graphql-js types no arguments either
  const resolvers: Record<string, (root: unknown, args: any) => unknown> = {
    notes: (_root, { done }) => [...notes.values()].filter((note) => done == null || note.done === done),
    note: (_root, { id }) => notes.get(id),
    report: () => 'for the board only',
    broken: () => Promise.reject(new Error('connect ECONNREFUSED postgres://admin:hunter2@10.0.0.5')),
    createNote: (_root, values) => add(values),
    changeNote: (_root, { id, expectedVersion: _, ...values }) => {
      const note = notes.get(id)
      return note && Object.assign(note, values, { version: note.version + 1 })
    },
    noteAdded: (event) => (event as { noteAdded?: object }).noteAdded ?? event,
  }
  const schema = buildSchema(SDL)
  for (const root of [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()])
    for (const field of Object.values(root!.getFields())) {
      const subscribe = field.name === 'noteAdded' && {
        subscribe: (_root: unknown, { after }: { after?: string }) => events.follow({ after }),
        extensions: { rest: REST.noteAdded, resume: 'after' },
      }
      const extensions = { rest: REST[field.name] }
      Object.assign(field, { description: `${field.name}.`, resolve: resolvers[field.name], extensions, ...subscribe })
    }
  add({ text: 'First', color: 'RED' })
  return schema
}

export interface Site {
  /** The base URL of REST. */
  url: string
  close(): Promise<unknown>
}

export async function openStock(): Promise<Site> {
  const handle = useSofa({
    schema: schemaOf(),
    basePath: '/stock',
    // The same paths, as far as it can.
    routes: {
      'Query.note': { path: '/notes/:id' },
      'Mutation.createNote': { path: '/notes' },
      'Mutation.changeNote': { method: 'PATCH', path: '/notes/:id' },
    },
    openAPI: { endpoint: '/openapi.json' },
  })
  const server = createServer((request, response) => void handle(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = () => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  }
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/stock`, close }
}

export async function openGateway(): Promise<Site> {
  const gateway = await createGateway({
    schema: schemaOf(),
    info: { title: 'Notes', version: '1' },
    log: keepingLog(),
  })
  holdTo(gateway.server, await gateway.openApi())
  return { url: `${await gateway.listen({ port: 0 })}/api/v1`, close: gateway.close }
}
