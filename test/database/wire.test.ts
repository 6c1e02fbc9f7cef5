import { describe, expect, test } from 'vitest'
import { FrameReader, ProtocolError, queryMessage } from '../../src/database/wire.ts'

function message(type: string, body: string): Buffer {
  const query = queryMessage(body)
  query[0] = type.charCodeAt(0)
  return query
}

function startup(code: number, body = ''): Buffer {
  const bytes = Buffer.alloc(8 + body.length)
  bytes.writeInt32BE(bytes.length, 0)
  bytes.writeInt32BE(code, 4)
  bytes.write(body, 8)
  return bytes
}

const VERSION_3 = 196_608
const SSL_REQUEST = 80_877_103

function read(chunks: Buffer[]): string[] {
  const reader = new FrameReader()
  const frames: string[] = []
  for (const chunk of chunks) {
    reader.push(chunk)
    for (let frame = reader.next(); frame; frame = reader.next()) {
      frames.push('bytes' in frame ? `${frame.kind} ${frame.bytes.length}` : frame.kind)
      if (frame.kind === 'terminate') return frames
    }
  }
  return frames
}

describe('frames', () => {
  const group = Buffer.concat([message('P', 'SELECT 1'), message('B', ''), message('E', ''), message('S', '')])
  const stream = Buffer.concat([
    startup(SSL_REQUEST),
    startup(VERSION_3, 'user\0x\0\0'),
    group,
    queryMessage('SELECT 2'),
    message('X', ''),
  ])
  const expected = [
    'encryption',
    'startup 16',
    `group ${group.length}`,
    `group ${queryMessage('SELECT 2').length}`,
    'terminate',
  ]

  test('are the same however the bytes are split into chunks', () => {
    expect(read([stream])).toEqual(expected)
    for (let size = 1; size < 20; size++) {
      const chunks = Array.from({ length: Math.ceil(stream.length / size) }, (_, index) =>
        stream.subarray(index * size, (index + 1) * size),
      )
      expect(read(chunks)).toEqual(expected)
    }
  })

  test('are rejected for other protocols', () => {
    expect(() => read([Buffer.from('GET / HTTP/1.1\r\n\r\n')])).toThrow(ProtocolError)
    expect(() => read([startup(0x20000)])).toThrow(ProtocolError)
    expect(() => read([startup(VERSION_3), Buffer.from([81, 0, 0, 0, 1])])).toThrow(ProtocolError)
  })
})
