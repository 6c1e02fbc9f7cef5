import pg from 'pg'
import { type Outage, register, summary, type Timed, timed, wait } from './outage.ts'

const LOCKED_MS = 25_000

/** A table stays locked while requests for it keep coming. */
export async function locked({ url, directUrl }: Outage): Promise<string[]> {
  const { token, ...account } = await register(url)
  const failures: string[] = []
  const client = new pg.Client({ connectionString: directUrl })
  await client.connect()
  await client.query('BEGIN; LOCK TABLE "Task" IN ACCESS EXCLUSIVE MODE')
  const began = performance.now()
  const running: Promise<Timed>[] = []
  for (let round = 0; performance.now() - began < LOCKED_MS; round++) {
    running.push(
      timed(url, 'GET /api/v1/tasks', { token }),
      timed(url, `GET /api/v1/tasks?priority=${(round % 5) + 1}`, { token }),
      timed(url, 'POST /api/v1/tasks', { token, body: { title: 'A task' } }),
      timed(url, 'GET /readyz'),
      timed(url, 'GET /api/v1/me', { token }),
      timed(url, 'GET /api/v1/projects', { token }),
    )
    if (round % 10 === 0) running.push(timed(url, 'POST /api/v1/auth/sign-in', { body: account }))
    await wait(50)
  }
  await client.query('COMMIT')
  const released = performance.now()
  while ((await timed(url, 'GET /api/v1/tasks', { token })).status !== 200) await wait(50)
  const recovered = performance.now() - released
  await client.end()
  const answers = await Promise.all(running)
  console.log(`${summary(answers)}\n  tasks work again ${recovered.toFixed(0)} ms after`)
  const others = answers.filter(({ name, status }) => !name.includes('/tasks') && status !== 200)
  if (others.length > 0) failures.push(`requests that need no task failed:\n${summary(others)}\n${others[0]?.body}`)
  const wrong = answers.filter(({ status, retryAfter }) => ![200, 201].includes(status) && retryAfter === null)
  if (wrong.length > 0) failures.push(`without Retry-After:\n${summary(wrong)}\n${wrong[0]?.body}`)
  if (recovered > 5_000) failures.push(`recovery took ${recovered.toFixed(0)} ms`)
  return failures
}
