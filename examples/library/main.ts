import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLibrary } from './library.ts'

/** Serves the library on PORT (4002). Uploads are kept until it stops. */
const { PORT = '4002', TOKEN = 'librarian' } = process.env
const folder = await mkdtemp(join(tmpdir(), 'library-'))
const library = await createLibrary({ folder, token: TOKEN })
console.log(`The library is open: ${await library.listen({ port: Number(PORT) })}/docs`)
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void library.close().then(() => rm(folder, { recursive: true })))
}
