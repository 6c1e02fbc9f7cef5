import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import { AppError, validationFailed } from '../errors.ts'
import type { LiveSource } from './result-stream.ts'

/** An event and the cursor at which a client that has it resumes. */
export type Logged<Event> = Event & { readonly cursor: string }

export interface Followed<Event> {
  /** The cursor to resume after. Without it, a stream starts now and a page at the oldest event. */
  after?: string | null | undefined
  /** Returns true for the events to deliver. */
  accepts?: (event: Event) => boolean
}

/** Rule of the argument `after` of a subscription. */
export const cursorRule = z
  .string()
  .regex(/^[\w-]{8}\.\d{1,15}$/, 'is not a cursor')
  .meta({ maxLength: 24 })

/** The latest events of this process, in the order they happened. */
export interface EventLog<Event extends object> {
  append(event: Event): Logged<Event>
  /** The cursor of now. */
  readonly cursor: string
  /** Returns events from the log. Throws CURSOR_EXPIRED if some after the cursor are gone. */
  read(options: Followed<Event> & { first: number }): Logged<Event>[]
  /** Returns the source of a subscription, which continues exactly after the cursor. */
  follow(options?: Followed<Event>): LiveSource & AsyncIterableIterator<Logged<Event>>
}

/**
 * Creates a log in memory of at most `capacity` events. Streams read from the log itself, so a slow
 * client takes no memory: it is told that its cursor has expired when it falls too far behind.
 */
export function createEventLog<Event extends object>({ capacity = 10_000 } = {}): EventLog<Event> {
  // Cursors of an earlier process must not be taken for places in this log.
  const run = randomBytes(6).toString('base64url')
  let events: Logged<Event>[] = []
  /** Position of the first event that is kept. */
  let first = 0
  const waiting = new Set<() => void>()
  const end = () => first + events.length
  const cursorAt = (position: number) => `${run}.${position}`

  /** Returns the position after a cursor. */
  function positionOf(cursor: string): number {
    if (!cursorRule.safeParse(cursor).success)
      throw validationFailed([{ path: ['after'], code: 'invalid_cursor', message: 'is not a cursor' }])
    const [ofRun, position] = cursor.split('.')
    if (ofRun !== run || Number(position) > end()) throw expired()
    return Number(position)
  }

  function eventAt(position: number): Logged<Event> | undefined {
    if (position < first) throw expired()
    return events[position - first]
  }

  return {
    get cursor() {
      return cursorAt(end())
    },
    append(event) {
      const logged = { ...event, cursor: cursorAt(end() + 1) }
      events.push(logged)
      // Dropped in blocks: shifting one event would move all the others.
      if (events.length >= capacity * 2) {
        first += events.length - capacity
        events = events.slice(-capacity)
      }
      for (const wake of [...waiting]) wake()
      return logged
    },
    read({ after, accepts = () => true, first: most }) {
      const found: Logged<Event>[] = []
      for (let position = after == null ? first : positionOf(after); found.length < most; position++) {
        const event = eventAt(position)
        if (!event) break
        if (accepts(event)) found.push(event)
      }
      return found
    },
    follow({ after, accepts = () => true } = {}) {
      let position = after == null ? end() : positionOf(after)
      eventAt(position)
      let ended = false
      let wake: (() => void) | undefined
      return {
        cursor: cursorAt(position),
        async next() {
          while (!ended) {
            const event = eventAt(position)
            if (event) {
              position++
              if (accepts(event)) return { done: false, value: event }
            } else {
              await new Promise<void>((resolve) => {
                wake = resolve
                waiting.add(resolve)
              })
              if (wake) waiting.delete(wake)
            }
          }
          return { done: true, value: undefined }
        },
        // Not an async generator, whose return() would wait for a pending next().
        async return() {
          ended = true
          if (wake) waiting.delete(wake)
          wake?.()
          return { done: true, value: undefined }
        },
        [Symbol.asyncIterator]() {
          return this
        },
      }
    },
  }
}

function expired(): AppError {
  const message = 'The events after this cursor are no longer kept. Read the current state and start again.'
  return new AppError('CURSOR_EXPIRED', message, { path: ['after'] })
}
