import { createServer } from 'node:net'

interface Address {
  HOST: string
  PORT: number
}

/** Returns the system's code if nothing can listen there, such as EADDRINUSE. */
export async function portProblem({ HOST, PORT }: Address): Promise<string | undefined> {
  const probe = createServer()
  return new Promise((resolve) => {
    probe.once('error', (error: NodeJS.ErrnoException) => resolve(error.code))
    probe.listen(PORT, HOST, () => probe.close(() => resolve(undefined)))
  })
}

/** Returns true if a Taskwire server answers there. */
export async function isTaskwire({ HOST, PORT }: Address): Promise<boolean> {
  try {
    const url = `http://${HOST.includes(':') ? `[${HOST}]` : HOST}:${PORT}/`
    const answer = await fetch(url, { headers: { accept: 'application/json' }, signal: AbortSignal.timeout(2_000) })
    return ((await answer.json()) as { name?: unknown }).name === 'Taskwire'
  } catch {
    return false
  }
}
