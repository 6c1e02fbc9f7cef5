import pino from 'pino'
import { createRelay } from './relay.ts'

/** Serves the relay on PORT (4003). WEATHER_URL names the weather service. */
const { PORT = '4003', WEATHER_URL = 'http://127.0.0.1:4100' } = process.env
const log = pino({ base: undefined })
const relay = await createRelay({
  upstream: { url: WEATHER_URL, timeoutMs: 2_000, attempts: 3, pauseMs: 100 },
  deliver: async ({ email, message }) => log.info({ email, message }, 'notification'),
  log,
})
console.log(`The relay is open: ${await relay.listen({ port: Number(PORT) })}/docs`)
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void relay.close())
