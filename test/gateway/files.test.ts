import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { GraphQLID, GraphQLInt, GraphQLNonNull, GraphQLObjectType, GraphQLSchema, GraphQLString } from 'graphql'
import { expect, onTestFinished, test } from 'vitest'
import { ENDLESS } from '../../src/gateway/credential-lifetime.ts'
import { createEngine } from '../../src/gateway/engine.ts'
import type { GatewayContext, GatewayRequest } from '../../src/gateway/gateway-context.ts'
import { createHttpEntry, GatewayResponse } from '../../src/gateway/http/entry.ts'
import { createConnectionLimit } from '../../src/gateway/limits/connection-limit.ts'
import type { RestOperation } from '../../src/gateway/operation.ts'
import { createRest, describeRest } from '../../src/gateway/rest.ts'
import { type Upload, uploadScalar } from '../../src/gateway/uploads/upload.ts'
import { rest } from '../support/clients.ts'
import { textFile } from '../support/files.ts'
import { holdTo } from '../support/observed-answers.ts'
import { keepingLog } from '../support/server.ts'

/** Tests files on a schema of recordings: nothing of them is specific to attachments. */

const Recording = new GraphQLObjectType({
  name: 'Recording',
  fields: {
    id: { type: new GraphQLNonNull(GraphQLID) },
    title: { type: new GraphQLNonNull(GraphQLString) },
    seconds: { type: new GraphQLNonNull(GraphQLInt) },
  },
})

const named = (type: typeof GraphQLString) => ({ type: new GraphQLNonNull(type) })

function recordingsSchema() {
  const tapes = new Map<string, string>()
  const recordingOf = (id: string) => ({ id, title: `Tape ${id}`, seconds: tapes.get(id)?.length ?? 0 })
  const read: RestOperation = {
    method: 'GET',
    path: '/recordings/{id}',
    content: {
      path: '/recordings/{id}/sound',
      operationId: 'recordingSound',
      description: 'The sound of a recording.',
      open: ({ id, title }) => {
        const sound = Buffer.from(tapes.get(String(id)) ?? '')
        return {
          size: sound.length,
          tag: 'a-tag-of-22-characters',
          modifiedAt: new Date(0),
          contentType: 'audio/x-tape',
          filename: `${title}.tape`,
          read: (first, last) => Readable.from([sound.subarray(first, last + 1)]),
        }
      },
    },
  }
  const write: RestOperation = { method: 'PUT', path: '/recordings/{id}', body: 'sound' }
  return new GraphQLSchema({
    query: new GraphQLObjectType({
      name: 'Query',
      fields: {
        recording: {
          type: Recording,
          args: { id: named(GraphQLID) },
          extensions: { rest: read },
          resolve: (_root, { id }) => (tapes.has(id) ? recordingOf(id) : null),
        },
      },
    }),
    mutation: new GraphQLObjectType({
      name: 'Mutation',
      fields: {
        record: {
          type: Recording,
          args: { id: named(GraphQLID), sound: { type: new GraphQLNonNull(uploadScalar) } },
          extensions: { rest: write },
          resolve: async (_root, { id, sound }: { id: string; sound: Upload }) => {
            const { bytes } = await sound.open('SOUND_LIMIT')
            tapes.set(id, Buffer.concat(await Array.fromAsync(bytes)).toString())
            return recordingOf(id)
          },
        },
      },
    }),
  })
}

async function openRecordings() {
  const log = keepingLog()
  const engine = createEngine({ schema: recordingsSchema() })
  const createContext = async ({ requestId }: GatewayRequest) => {
    const context = { requestId, principal: null, log, afterWrite() {}, openLifetime: () => ENDLESS }
    return { ...context, fork: () => context } as unknown as GatewayContext
  }
  const info = { title: 'Recordings', version: '1', description: 'Tapes.', securitySchemes: {}, security: () => [{}] }
  const api = { engine, createContext, connectionLimit: createConnectionLimit(10), basePath: '/api/v1', info }
  const handle = createHttpEntry({
    routes: { '/api/v1/*': await createRest(api) },
    bodyLimit: 1_000,
    bodyTimeout: 30_000,
    streamLimits: { SOUND_LIMIT: 5_000 },
    requestTimeout: 30_000,
    stopping: () => false,
    corsOrigins: [],
    hosts: () => undefined,
    compression: true,
    log,
  })
  const server = createServer(
    { ServerResponse: GatewayResponse },
    (request, response) => void handle(request, response),
  )
  holdTo(server, await describeRest(api))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close().closeAllConnections())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

test('an operation of any schema can take a file and serve its bytes', async () => {
  const server = await openRecordings()
  const taken = await rest(server, 'PUT /recordings/7', { body: textFile('la la la') })
  expect([taken.status, taken.body]).toEqual([200, { id: '7', title: 'Tape 7', seconds: 8 }])
  const sound = await rest(server, 'GET /recordings/7/sound', { headers: { range: 'bytes=3-4' } })
  expect([sound.status, sound.text, sound.headers.get('content-type')]).toEqual([206, 'la', 'audio/x-tape'])
  expect(sound.headers.get('content-disposition')).toBe('attachment; filename="Tape 7.tape"')
  expect((await rest(server, 'GET /recordings/8/sound')).status).toBe(404)
  const tooLong = await rest(server, 'PUT /recordings/7', { body: textFile('x'.repeat(5_001)) })
  expect([tooLong.status, tooLong.body.detail]).toEqual([413, 'The body is larger than 5000 bytes (SOUND_LIMIT).'])
})
