import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'
import { mountedFile, readCompose } from '../long/container/compose-file.ts'
import { parseCommand, parseDockerfile, readIgnore } from '../long/container/dockerfile.ts'
import { sizeOf } from '../long/container/sizes.ts'

/** Checks what needs no build. test/long/container.ts replays the Dockerfile and runs the services. */

const ROOT = resolve(import.meta.dirname, '../..')
const LIMIT_MB = 110

const read = (file: string) => readFileSync(join(ROOT, file), 'utf8')
const stages = parseDockerfile(read('Dockerfile'))

test('the Dockerfile copies only files that exist and that .dockerignore lets through', () => {
  const ignored = readIgnore(read('.dockerignore'))
  const copies = stages.flatMap(({ steps }) => steps).filter(({ name, flags }) => name === 'COPY' && !flags.from)
  const sources = copies.flatMap(({ text }) => text.split(' ').slice(0, -1))
  expect(sources).toContain('src')
  expect(sources.filter((path) => !existsSync(join(ROOT, path)) || ignored(path))).toEqual([])
  expect(['node_modules/zod', '.env', 'data', 'src/generated/x.ts', '.git'].filter((path) => !ignored(path))).toEqual(
    [],
  )
})

test('the image runs as a user without rights, on the version of Node that the project pins', () => {
  const last = stages.at(-1)
  const value = (name: string) => last?.steps.findLast((step) => step.name === name)?.text ?? ''
  const { devDependencies } = JSON.parse(read('package.json'))
  const major = /\d+/.exec(devDependencies.node)?.[0]
  expect(stages.map(({ base }) => base)).toEqual(stages.map(() => `node:${major}-slim`))
  expect(value('USER')).toBe('node')
  expect(parseCommand(value('CMD'))).toEqual(['node', 'src/main.ts'])
})

test('production dependencies stay within their budget', () => {
  const { packages } = JSON.parse(read('package-lock.json')) as { packages: Record<string, Locked> }
  const paths = [...closure(packages)].filter((path) => existsSync(join(ROOT, path)))
  expect(paths).toContain('node_modules/@prisma/client')
  for (const tool of ['prisma', 'typescript', 'redoc', 'react']) expect(paths).not.toContain(`node_modules/${tool}`)
  const bytes = paths.reduce((sum, path) => sum + sizeOf(join(ROOT, path), isDeleted), 0)
  expect(bytes / 1024 / 1024, 'MB in production: see what is new with `npm explain`').toBeLessThan(LIMIT_MB)
})

test('compose.yaml starts two servers on one database behind a proxy that knows both', () => {
  const { services } = readCompose({ JWT_SECRET: 'secret', POSTGRES_PASSWORD: 'password' })
  expect(services['taskwire-1']).toEqual(services['taskwire-2'])
  expect(services['taskwire-1'].environment).toMatchObject({ TRUSTED_PROXIES: '1', JWT_SECRET: 'secret' })
  const proxy = readFileSync(mountedFile(services.proxy, '/usr/local/etc/haproxy/haproxy.cfg'), 'utf8')
  expect(proxy.match(/^ {2}server \S+ \S+$/gm)).toEqual(
    ['taskwire-1', 'taskwire-2'].map((name) => `  server ${name} ${name}:4000`),
  )
})

interface Locked {
  dependencies?: Record<string, string>
  optionalDependencies?: Record<string, string>
}

/** Returns the folders of the packages that production needs. Peers are left out, as in the Dockerfile. */
function closure(packages: Record<string, Locked>): Set<string> {
  const found = new Set<string>()
  const visit = (path: string) => {
    const { dependencies, optionalDependencies } = packages[path] ?? {}
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
      const next = resolvePackage(packages, path, name)
      if (next === undefined || found.has(next)) continue
      found.add(next)
      visit(next)
    }
  }
  visit('')
  return found
}

/** Finds a package as Node does: in the nearest node_modules. */
function resolvePackage(packages: Record<string, Locked>, from: string, name: string): string | undefined {
  const path = join(from, 'node_modules', name)
  if (packages[path]) return path
  return from === ''
    ? undefined
    : resolvePackage(packages, from.replace(/\/?node_modules\/(@[^/]+\/)?[^/]+$/, ''), name)
}

/** Tells if the Dockerfile deletes a file, or it belongs to another package below. */
const isDeleted = (path: string) =>
  /\.([mc]?ts|map)$|\/wasm-compiler-edge\.[^/]*$|\/node_modules\/.*\/node_modules$/.test(path) ||
  /\/query_compiler_(?!fast_bg\.postgresql\.)[^/]*$/.test(path)
