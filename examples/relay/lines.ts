import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { AppError, type ExtraRoute } from '../../src/gateway/library/exports.ts'
import type { RelayContext } from './builder.ts'

const NDJSON = 'application/x-ndjson'
const MAX_LINES = 100_000_000

/** `GET /lines?count=`: JSON lines that are made as fast as the client reads them. */
export const lines: ExtraRoute<RelayContext> = {
  method: 'GET',
  path: '/lines',
  types: [NDJSON],
  openapi: {
    operationId: 'lines',
    summary: 'Stream lines of JSON',
    description: 'Stream lines of JSON. Each is made when the one before it is on its way.',
    tags: ['streams'],
    security: [{}],
    parameters: [
      {
        name: 'count',
        in: 'query',
        required: true,
        description: 'Number of lines.',
        schema: { type: 'integer', format: 'int32', minimum: 1, maximum: MAX_LINES },
      },
    ],
    responses: {
      200: {
        description: 'One JSON object in each line.',
        headers: { 'Cache-Control': { description: 'How the response may be cached.', schema: { type: 'string' } } },
        content: { [NDJSON]: { schema: { type: 'string' } } },
      },
    },
    'x-errors': ['BAD_REQUEST', 'NOT_ACCEPTABLE', 'VALIDATION_FAILED'],
  },
  async handle({ exchange, createContext }) {
    const count = Number(new URLSearchParams(exchange.query).get('count') ?? Number.NaN)
    if (!Number.isInteger(count) || count < 1 || count > MAX_LINES) {
      const message = `count: must be a number from 1 to ${MAX_LINES}`
      throw new AppError('VALIDATION_FAILED', message, {
        issues: [{ path: ['query', 'count'], code: 'invalid', message: `must be a number from 1 to ${MAX_LINES}` }],
      })
    }
    const { progress } = await createContext()
    exchange.response.writeHead(200, { 'Content-Type': NDJSON, 'Cache-Control': 'no-store' })
    if (exchange.method === 'HEAD') return void exchange.response.end()
    progress.streams++
    try {
      // Ends early if the client leaves.
      await pipeline(Readable.from(makeLines(count, progress)), exchange.response).catch(() => undefined)
    } finally {
      progress.streams--
    }
  },
}

function* makeLines(count: number, progress: RelayContext['progress']) {
  for (let line = 1; line <= count; line++) {
    progress.lines++
    yield `{"line":${line}}\n`
  }
}
