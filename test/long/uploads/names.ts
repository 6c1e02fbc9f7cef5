import { join } from 'node:path'
import { rest } from '../../support/clients.ts'
import { createRandom, type Random } from '../../support/random.ts'
import type { World } from '../../support/world.ts'
import { hostileText } from '../fuzz/hostile.ts'
import { countOf, newTaskPath, storedPaths } from './files.ts'

const PARTS = [
  '..',
  '.',
  '/',
  '\\',
  '\u0000',
  '%2e',
  '%2f',
  '\u202e',
  '\uff0f',
  '\u2215',
  '~',
  'CON',
  'NUL',
  'aux.txt',
  'LPT1',
  ':stream',
  '\r\n',
  '"',
  "'",
  ';',
  '$(id)',
  '|',
  'C:',
  '\\\\host\\share',
  'etc/passwd',
  '.ssh/authorized_keys',
  '\ud800',
  'x',
]

function hostileName(random: Random): string {
  if (random.chance(0.2)) return hostileText(random)
  if (random.chance(0.05)) return random.pick(PARTS).repeat(random.below(2_000))
  return Array.from({ length: 1 + random.below(12) }, () => random.pick(PARTS)).join(random.pick(['', '/', '\\']))
}

/** Sends files with hostile names. Returns those that are not where they belong. */
export async function hostileNames(world: World, names: number, seed: number): Promise<string[]> {
  const random = createRandom(seed)
  const { server, owner } = world
  const path = await newTaskPath(world)
  const before = new Set(storedPaths(world))
  const statuses = new Map<number, number>()
  const ids = new Set<string>()
  const one = async (name: string) => {
    const { status, body } = await sendNamed(world, path, name, random.below(3))
    statuses.set(status, (statuses.get(status) ?? 0) + 1)
    if (body?.id) ids.add(body.id)
  }
  for (let sent = 0; sent < names; sent += 20) {
    await Promise.all(Array.from({ length: Math.min(20, names - sent) }, () => one(hostileName(random))))
  }
  const made = storedPaths(world).filter((file) => !before.has(file))
  const misplaced = made.filter((file) => {
    const [, shard, id = ''] = file.split('/')
    return !ids.has(id) || shard !== id.slice(-2) || file.split('/').length !== 3
  })
  const rows = await countOf(world, path)
  console.log(
    `${names} hostile names: ${JSON.stringify(Object.fromEntries(statuses))}, ${made.length} files, ${rows} rows`,
  )
  // `fetch` itself resolves dot segments, so that some requests go to other paths.
  const odd = [...statuses.keys()].filter((status) => ![201, 400, 404, 405, 415, 422].includes(status))
  return [
    ...(misplaced.length > 0 ? [`${misplaced.length} files are in odd places: ${misplaced.slice(0, 5)}`] : []),
    ...(made.length !== ids.size || rows !== ids.size
      ? [`${ids.size} uploads made ${made.length} files, ${rows} rows`]
      : []),
    ...(odd.length > 0 ? [`answered with the statuses ${odd}`] : []),
  ]

  function sendNamed(_world: World, to: string, name: string, form: number) {
    const { token } = owner
    if (form === 0)
      return rest(server, `PUT ${to}?filename=${encodeURIComponent(name.toWellFormed())}`, { token, raw: 'x' })
    if (form === 1)
      return rest(server, `POST ${to}`, {
        token,
        raw: rawForm(name),
        headers: { 'content-type': 'multipart/form-data; boundary=x' },
      })
    return rest(server, `PUT ${join(to, encodeURIComponent(name.toWellFormed()).replaceAll('.', '%2E'))}`, {
      token,
      raw: 'x',
    })
  }
}

/** Writes the name into a form as it is, unlike a well-behaved client. */
function rawForm(name: string): Uint8Array<ArrayBuffer> {
  const text = `--x\r\nContent-Disposition: form-data; name="file"; filename="${name}"\r\n\r\nx\r\n--x--\r\n`
  return new Uint8Array(Buffer.from(text))
}
