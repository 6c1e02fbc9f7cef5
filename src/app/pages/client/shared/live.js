// Follows the event stream and resumes after a cut. EventSource cannot send a token, fetch can.

import { apiPath, authorizedFetch } from './api.js'

/** The server sends at least a comment every 15 seconds. */
const SILENCE_MS = 40_000
/** A page that nobody sees gives its connection back: browsers have few for each server. */
const HIDDEN_MS = 30_000
const FIRST_WAIT_MS = 300
const LONGEST_WAIT_MS = 8_000

/**
 * Calls `onEvent` with each event after the cursor, in order, and `onState` with 'live' or 'cut'.
 * If the log no longer reaches back to the cursor, it calls `onExpired` and ends.
 * Returns a function that ends it.
 */
export function follow({ query, after, onEvent, onState, onExpired }) {
  const end = new AbortController()
  let cursor = after
  let wait = FIRST_WAIT_MS

  async function connect() {
    const attempt = new AbortController()
    const giveUp = () => attempt.abort()
    end.signal.addEventListener('abort', giveUp)
    let silence = setTimeout(giveUp, SILENCE_MS)
    let unseen
    const onVisibility = () => {
      clearTimeout(unseen)
      if (document.hidden) unseen = setTimeout(giveUp, HIDDEN_MS)
    }
    document.addEventListener('visibilitychange', onVisibility)
    try {
      const response = await authorizedFetch(`${apiPath('/events/stream')}?${new URLSearchParams(query)}`, {
        headers: { Accept: 'text/event-stream', ...(cursor && { 'Last-Event-ID': cursor }) },
        signal: attempt.signal,
      })
      if (response.status === 410) return 'expired'
      if (response.status === 401 || response.status === 403) return 'refused'
      if (!response.ok) return 'cut'
      const parse = createParser((message) => {
        if (message.id) cursor = message.id
        if (!message.data || message.event === 'error') return
        try {
          onEvent(JSON.parse(message.data))
        } catch (error) {
          // A fault of the page must not look like one of the connection.
          reportError(error)
        }
      })
      onState('live')
      wait = FIRST_WAIT_MS
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
      for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
        clearTimeout(silence)
        silence = setTimeout(giveUp, SILENCE_MS)
        parse(chunk.value)
      }
    } catch {
      // The server cannot be reached, or the connection dropped.
    } finally {
      clearTimeout(silence)
      clearTimeout(unseen)
      document.removeEventListener('visibilitychange', onVisibility)
      end.signal.removeEventListener('abort', giveUp)
    }
    return 'cut'
  }

  async function run() {
    while (!end.signal.aborted) {
      if (document.hidden) await pause(2 ** 31 - 1, end.signal)
      const outcome = await connect()
      if (end.signal.aborted) return
      if (outcome === 'expired') return onExpired?.()
      onState('cut')
      if (outcome === 'refused') return
      await pause(wait * (0.5 + Math.random()), end.signal)
      wait = Math.min(wait * 2, LONGEST_WAIT_MS)
    }
  }

  void run()
  return () => end.abort()
}

/** Waits, but not longer than until the browser is online again or the page is shown. */
function pause(ms, signal) {
  return new Promise((resolve) => {
    const over = () => {
      clearTimeout(timer)
      globalThis.removeEventListener('online', over)
      document.removeEventListener('visibilitychange', over)
      resolve()
    }
    const timer = setTimeout(over, ms)
    globalThis.addEventListener('online', over)
    document.addEventListener('visibilitychange', over)
    signal.addEventListener('abort', over, { once: true })
  })
}

/** Reads Server-Sent Events (WHATWG HTML 9.2) from pieces of text. */
function createParser(onMessage) {
  let rest = ''
  let message = {}
  return (text) => {
    const lines = (rest + text).split(/\r\n|\n|\r/)
    rest = lines.pop() ?? ''
    for (const line of lines) {
      if (line === '') {
        onMessage(message)
        message = {}
      }
      const [, field, value] = /^(id|event|data): ?(.*)$/.exec(line) ?? []
      if (field) message[field] = field === 'data' && message.data ? `${message.data}\n${value}` : value
    }
  }
}
