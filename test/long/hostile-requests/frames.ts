import type { Random } from '../../support/random.ts'
import { hostileText, hostileValue, randomBytes } from '../fuzz/hostile.ts'

interface FrameOptions {
  opcode?: number
  /** Reserved bits, and whether the message ends here. */
  first?: number
  isMasked?: boolean
}

const TEXT = 1

/** Returns a frame of a client (RFC 6455 5.2), masked with zeros. */
function frame(payload: Buffer, { opcode = TEXT, first = 0x80, isMasked = true }: FrameOptions = {}): Buffer {
  const mask = isMasked ? 0x80 : 0
  const head =
    payload.length < 126
      ? Buffer.from([first | opcode, mask | payload.length])
      : payload.length < 65_536
        ? Buffer.from([first | opcode, mask | 126, payload.length >> 8, payload.length & 255])
        : Buffer.from([first | opcode, mask | 127, 0, 0, 0, 0, ...lengthOf(payload)])
  return Buffer.concat([head, Buffer.alloc(isMasked ? 4 : 0), payload])
}

function lengthOf({ length }: Buffer): number[] {
  return [24, 16, 8, 0].map((shift) => (length >> shift) & 255)
}

const message = (value: unknown) => frame(Buffer.from(JSON.stringify(value)))

/** Draws the frames of a session: nearly always connection_init first, then up to five messages. */
export function drawFrames(random: Random, token: string): Buffer[] {
  const init = random.chance(0.8)
    ? message({ type: 'connection_init', payload: random.pick(PAYLOADS)(random, token) })
    : random.pick(MESSAGES)(random)
  return [init, ...Array.from({ length: 1 + random.below(5) }, () => random.pick(MESSAGES)(random))]
}

const PAYLOADS: readonly ((random: Random, token: string) => unknown)[] = [
  () => undefined,
  (_random, token) => ({ authorization: `Bearer ${token}` }),
  (_random, token) => ({ authorization: `Bearer ${token}` }),
  (_random, token) => ({ headers: { Authorization: `Bearer ${token}` } }),
  (random) => ({ authToken: hostileValue(random) }),
  (random) => ({ headers: hostileValue(random) }),
  (random) => ({ [hostileText(random)]: hostileValue(random) }),
  (random) => hostileValue(random),
]

const subscribe = (payload: unknown, id: unknown = '1') => message({ id, type: 'subscribe', payload })

const MESSAGES: readonly ((random: Random) => Buffer)[] = [
  () => subscribe({ query: '{ me { id } }' }),
  () => subscribe({ query: 'subscription { taskEvents { type } }' }, 'live'),
  (random) => subscribe({ query: hostileValue(random), variables: hostileValue(random) }),
  (random) => subscribe({ query: '{ __typename }', operationName: hostileValue(random) }, hostileValue(random)),
  (random) => subscribe({ extensions: { persistedQuery: hostileValue(random) } }),
  (random) => subscribe({ extensions: hostileValue(random), documentId: hostileValue(random) }),
  (random) => subscribe(hostileValue(random)),
  (random) => message({ type: random.pick(['next', 'error', 'connection_ack', 'ping', 'pong']), id: '1', payload: {} }),
  (random) => message({ type: 'complete', id: hostileValue(random) }),
  (random) => message({ type: hostileValue(random), payload: hostileValue(random) }),
  (random) => message(hostileValue(random)),
  (random) => frame(randomBytes(random, 500)),
  (random) => frame(randomBytes(random, 500), { opcode: 2 }),
  (random) => frame(Buffer.from(`{"type":"ping","payload":{"a":"${'x'.repeat(random.below(200_000))}"}}`)),
  (random) => frame(Buffer.from('['.repeat(random.below(100_000)))),
  // Frames that break RFC 6455.
  (random) => frame(randomBytes(random, 50), { opcode: 3 + random.below(13) }),
  (random) => frame(Buffer.from('{}'), { first: random.pick([0x00, 0xc0, 0xf0]) }),
  () => frame(Buffer.from('{"type":"ping"}'), { isMasked: false }),
  () => Buffer.concat(Array.from({ length: 200 }, () => frame(Buffer.from('x'), { opcode: 9 }))),
  () => Buffer.concat(Array.from({ length: 200 }, () => frame(Buffer.from('{'), { first: 0, opcode: 0 }))),
  (random) => frame(Buffer.from([random.below(256), random.below(256)]), { opcode: 8 }),
  () => Buffer.from([0x81, 0xff, 0x7f, 255, 255, 255, 255, 255, 255, 255]),
]
