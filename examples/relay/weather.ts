import { setTimeout as wait } from 'node:timers/promises'
import { z } from 'zod'
import { AppError, addErrorCodes } from '../../src/gateway/library/exports.ts'

export const codes = addErrorCodes({
  UPSTREAM_FAILED: { status: 502, title: 'Upstream failed' },
  UPSTREAM_TIMEOUT: { status: 504, title: 'Upstream timeout' },
})

export interface UpstreamOptions {
  /** Base URL of the weather service. */
  url: string
  /** Time for each attempt, in milliseconds. */
  timeoutMs: number
  /** Attempts in all. */
  attempts: number
  /** Pause before the second attempt, in milliseconds. It doubles each time. */
  pauseMs: number
}

/** What the service must answer. Anything else counts as its failure. */
const report = z.object({ city: z.string(), celsius: z.number(), sky: z.string() })

export type Weather = z.infer<typeof report>

/**
 * Asks the weather service, and again if it does not answer or fails. Throws NOT_FOUND for an unknown
 * city, UPSTREAM_TIMEOUT if the last attempt took too long, and UPSTREAM_FAILED otherwise.
 */
export async function fetchWeather(city: string, options: UpstreamOptions): Promise<Weather> {
  const { attempts, pauseMs } = options
  for (let attempt = 1; ; attempt++) {
    try {
      return await ask(city, options)
    } catch (error) {
      if (!(error instanceof AppError) || error.code === 'NOT_FOUND' || attempt >= attempts) throw error
      await wait(pauseMs * 2 ** (attempt - 1))
    }
  }
}

async function ask(city: string, { url, timeoutMs }: UpstreamOptions): Promise<Weather> {
  let response: Response
  let body: unknown
  try {
    // The time includes the body.
    response = await fetch(`${url}/weather/${encodeURIComponent(city)}`, { signal: AbortSignal.timeout(timeoutMs) })
    body = response.ok ? await response.json() : undefined
  } catch (cause) {
    const { name } = cause as Error
    if (name === 'TimeoutError')
      throw new AppError(codes.UPSTREAM_TIMEOUT, `The weather service did not answer within ${timeoutMs} ms.`, {
        cause,
      })
    throw new AppError(codes.UPSTREAM_FAILED, 'The weather service cannot be reached or does not send JSON.', { cause })
  }
  if (response.status === 404) throw new AppError('NOT_FOUND', `There is no weather for ${city}.`, { path: ['city'] })
  if (!response.ok) throw new AppError(codes.UPSTREAM_FAILED, `The weather service answered ${response.status}.`)
  const parsed = report.safeParse(body)
  if (parsed.success) return parsed.data
  throw new AppError(codes.UPSTREAM_FAILED, 'The weather service sent an answer of another shape.', {
    cause: parsed.error,
  })
}
