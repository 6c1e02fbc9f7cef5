import { request } from 'node:http'
import { createRandom } from '../../support/random.ts'
import { until } from '../../support/wait.ts'
import type { World } from '../../support/world.ts'
import { countOf, newTaskPath, storedPaths } from './files.ts'

const SIZE = 20_000_000

/** Cuts uploads off at random places. Returns what is left of them. */
export async function cutUploads(world: World, cuts: number, seed: number): Promise<string[]> {
  const random = createRandom(seed)
  const path = await newTaskPath(world)
  const before = storedPaths(world).length
  let arriving = 0
  const watch = setInterval(() => {
    arriving = Math.max(arriving, storedPaths(world).length - before)
  }, 20)
  for (let cut = 0; cut < cuts; cut += 10) {
    const running = Array.from({ length: Math.min(10, cuts - cut) }, () =>
      cutUpload(world, path, random.below(SIZE), random.chance(0.5)),
    )
    await Promise.all(running)
  }
  clearInterval(watch)
  await until('no file is left', () => storedPaths(world).length <= before).catch(() => undefined)
  const files = storedPaths(world).length - before
  const rows = await countOf(world, path)
  console.log(`${cuts} cut uploads, up to ${arriving} at once on disk: ${files} files and ${rows} rows are left`)
  return files + rows === 0 ? [] : [`${files} files and ${rows} rows of cut uploads are left`]
}

/** Sends part of a file, then drops the connection. */
function cutUpload({ server, owner }: World, path: string, bytes: number, inForm: boolean): Promise<void> {
  const sent = request(`${server.url}/api/v1${path}?filename=cut.bin`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${owner.token}`,
      'content-length': SIZE,
      'content-type': inForm ? 'multipart/form-data; boundary=x' : 'application/octet-stream',
    },
  })
  if (inForm) sent.write('--x\r\nContent-Disposition: form-data; name="file"; filename="cut.bin"\r\n\r\n')
  return new Promise((resolve) => {
    sent.once('error', () => resolve())
    sent.once('close', () => resolve())
    sent.write(Buffer.alloc(bytes, 1), () => sent.destroy())
  })
}
