import { type Outage, register, summary, type Timed, timed, wait } from './outage.ts'

const DELAY_MS = 500
const LASTS_MS = 20_000
const MAX_ANSWER_MS = 8_000

/** Every packet takes half a second in each direction, and more requests come than can be served. */
export async function delayed({ url, proxy }: Outage): Promise<string[]> {
  const { token } = await register(url)
  const failures: string[] = []
  await Promise.all(Array.from({ length: 40 }, () => timed(url, 'GET /api/v1/tasks', { token })))
  proxy.delay(DELAY_MS)
  const began = performance.now()
  const running: Promise<Timed>[] = []
  for (let round = 0; performance.now() - began < LASTS_MS; round++) {
    running.push(
      timed(url, `GET /api/v1/tasks?search=word${round}`, { token, limitMs: 60_000 }),
      timed(url, `GET /api/v1/tasks?priority=${(round % 5) + 1}&limit=${(round % 90) + 1}`, { token, limitMs: 60_000 }),
      timed(url, 'POST /api/v1/tasks', { token, body: { title: 'A task' }, limitMs: 60_000 }),
    )
    if (round % 20 === 0) running.push(timed(url, 'GET /readyz'))
    await wait(25)
  }
  const answers = await Promise.all(running)
  proxy.restore()
  console.log(summary(answers))
  const late = answers.filter(({ ms }) => ms > MAX_ANSWER_MS)
  if (late.length > 0) failures.push(`${late.length} answers took more than ${MAX_ANSWER_MS} ms`)
  if (!answers.some(({ status }) => status < 300)) failures.push('nothing was served')
  const ready = answers.filter(({ name }) => name === 'GET /readyz')
  const unready = ready.filter(({ status }) => status !== 200)
  if (unready.length > ready.length / 10) failures.push(`not ready ${unready.length} times of ${ready.length}`)
  const wrong = answers.filter(({ status, retryAfter }) => status >= 300 && retryAfter === null)
  if (wrong.length > 0) failures.push(`without Retry-After:\n${summary(wrong)}\n${wrong[0]?.body}`)
  return failures
}
