import type { Call } from './record.ts'

/** What a client sends. */
export interface Sent {
  method: string
  path: string
  token: string
  body?: object
  headers?: Record<string, string>
}

/** An answer, or the lack of one. */
export interface Answered extends Call {
  /** 0 if there was no answer. */
  status: number
  etag: string | undefined
  // biome-ignore lint/suspicious/noExplicitAny: the answers of many operations
  body: any
}

export type Send = (server: { url: string }, sent: Sent) => Promise<Answered>

const TIMEOUT_MS = 10_000

/** Sends a request and records when. An answer that does not say what was done has no end. */
export const send: Send = async ({ url }, { method, path, token, body, headers }) => {
  const start = performance.now()
  try {
    const response = await fetch(`${url}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
      ...(body && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    const text = await response.text()
    const end = response.status >= 500 ? Number.POSITIVE_INFINITY : performance.now()
    const etag = response.headers.get('etag') ?? undefined
    return { status: response.status, etag, body: text && JSON.parse(text), start, end }
  } catch {
    return { status: 0, etag: undefined, body: undefined, start, end: Number.POSITIVE_INFINITY }
  }
}
