import { type Outage, register, summary, type Timed, timed, wait } from './outage.ts'

const SILENT_MS = Number(process.env.SILENT_MS ?? 60_000)
const MAX_ANSWER_MS = 2_000
const MAX_RECOVERY_MS = 5_000

/** PostgreSQL's connections go silent for a minute, and the sockets of that time stay dead. */
export async function silent({ url, proxy }: Outage): Promise<string[]> {
  const { token, ...account } = await register(url)
  const failures: string[] = []
  // Fills the pool.
  const create = () => timed(url, 'POST /api/v1/tasks', { token, body: { title: 'A task' } })
  await Promise.all(Array.from({ length: 40 }, create))
  const mixed = () => [
    create(),
    timed(url, 'GET /api/v1/tasks', { token }),
    timed(url, 'GET /api/v1/projects', { token }),
    timed(url, 'POST /graphql', { token, body: { query: '{ me { email } }' } }),
    timed(url, 'GET /readyz'),
    timed(url, 'POST /api/v1/auth/sign-in', { body: account }),
  ]

  proxy.loseEverything()
  const began = performance.now()
  const running: Promise<Timed>[] = []
  while (performance.now() - began < SILENT_MS) {
    running.push(...mixed())
    await wait(500)
  }
  proxy.restore()
  const restored = performance.now()
  let recovered: number | undefined
  while (recovered === undefined && performance.now() - restored < 150_000) {
    const answers = await Promise.all(mixed())
    if (answers.every(({ status }) => status >= 200 && status < 300)) recovered = performance.now() - restored
    else await wait(100)
  }
  const answers = await Promise.all(running)
  console.log(`${summary(answers)}\n  all work again ${recovered?.toFixed(0) ?? 'never: more than 150 000'} ms after`)
  if (recovered === undefined || recovered > MAX_RECOVERY_MS) failures.push(`recovery took ${recovered} ms`)
  const late = answers.filter(({ ms }) => ms > MAX_ANSWER_MS)
  if (late.length > 0) failures.push(`${late.length} answers took more than ${MAX_ANSWER_MS} ms`)
  // Until the silence is noticed, the server is ready.
  const wrong = answers.filter(
    ({ name, status, retryAfter }) =>
      (status !== 503 || retryAfter === null) && !(name === 'GET /readyz' && status === 200),
  )
  if (wrong.length > 0) failures.push(`not a 503 with Retry-After: ${summary(wrong)} ${wrong[0]?.body}`)
  return failures
}
