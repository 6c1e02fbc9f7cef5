/**
 * Holds the house plan: which folder may import which, no cycles between modules, no domain in the gateway, nobody but
 * config.ts reads the environment. Prints each breach with its line and fails.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

export interface Source {
  /** Under src, with slashes. */
  path: string
  text: string
}

/** The one file of the gateway that every folder may import. */
const ERRORS = 'gateway/errors.ts'
const MODULE_FILES = ['service', 'policy', 'loader', 'conflicts', 'accounts', 'scopes', 'refresh']

/** What a file may import of ours, besides its own folder. Undefined: everything (the files that put the server together). */
function allowed({ path }: Source): ((target: string, statement: string) => boolean) | undefined {
  const [folder = ''] = path.split('/')
  switch (folder) {
    case 'gateway':
      return (target) => target.startsWith('gateway/')
    case 'auth':
      return (target) => target.startsWith('auth/') || target === ERRORS
    case 'database':
      return (target) => ['database/', 'generated/'].some((own) => target.startsWith(own)) || target === ERRORS
    case 'events':
      return (target) =>
        ['events/', 'database/', 'generated/'].some((own) => target.startsWith(own)) || target === ERRORS
    case 'modules':
      return (target, statement) => moduleMayImport(path, target, statement)
    default:
      return undefined
  }
}

function moduleMayImport(path: string, target: string, statement: string): boolean {
  const own = path.split('/').slice(0, -1).join('/')
  if (target.startsWith(`${own}/`) || target === ERRORS) return true
  if (['auth/', 'events/', 'generated/', 'database/'].some((folder) => target.startsWith(folder))) return true
  // What a resolver gets is known here as a type; who makes it imports the modules.
  if (target === 'context.ts') return statement.startsWith('import type')
  // A route that is no operation of the schema is written against the gateway's types.
  if (target === 'gateway/rest/extra.ts') return statement.startsWith('import type') && path.endsWith('/http.ts')
  if (['builder.ts', 'pagination.ts', 'rules.ts'].includes(target)) return true
  if (!target.startsWith('modules/')) return false
  const name = target.split('/').at(-1)?.replace('.ts', '') ?? ''
  // schema.ts and type.ts declare types that other types refer to; keys and access are parts of the modules' policies; the filter of a
  // noun is one grammar, wherever it is asked.
  return (
    MODULE_FILES.includes(name) ||
    (/^(schema|type)$/.test(name) && /\/(schema|type)\.ts$/.test(path)) ||
    ['keys', 'access', 'filter', 'filter-input', 'filter-schema', 'matches'].includes(name)
  )
}

/** The words that tell a domain: none of them may stand where any schema is served or any table kept. */
const DOMAIN = /\b(tasks?|projects?|memberships?|inbox)\b/i
/** Who decides what the process does, and who tells Node where its threads find what was compiled. */
const KNOWS_ENVIRONMENT = ['config.ts', 'compile-cache.ts']
const DOMAIN_FREE = ['gateway', 'database', 'auth', 'events']

export function breaches(sources: readonly Source[]): string[] {
  const found: string[] = []
  const edges = new Map<string, Set<string>>()
  for (const source of sources) {
    const check = allowed(source)
    for (const { target, statement, line } of importsOf(source)) {
      if (check && !check(target, statement)) found.push(`${source.path}:${line} may not import ${target}`)
      if (target.endsWith('/index.ts')) found.push(`${source.path}:${line} imports a barrel`)
      const [from, to] = [moduleOf(source.path), moduleOf(target)]
      if (from && to && from !== to && !statement.startsWith('import type'))
        edges.set(from, (edges.get(from) ?? new Set()).add(to))
    }
    found.push(...wordBreaches(source))
  }
  return [...found, ...cycles(edges)]
}

function wordBreaches({ path, text }: Source): string[] {
  const found: string[] = []
  const domainFree = DOMAIN_FREE.includes(path.split('/')[0] ?? '')
  for (const [index, line] of text.split('\n').entries()) {
    if (domainFree && DOMAIN.test(line.replace(/"projectId"|projectId/g, '')))
      found.push(`${path}:${index + 1} knows a domain: ${line.trim()}`)
    if (!KNOWS_ENVIRONMENT.includes(path) && /process\.env/.test(line))
      found.push(`${path}:${index + 1} reads the environment: only config.ts may`)
  }
  return found
}

function importsOf({ path, text }: Source): { target: string; statement: string; line: number }[] {
  return [...text.matchAll(/^(import|export)\b[^'"=]*?['"](\.[^'"]+)['"]/gms)].map((match) => ({
    statement: match[0],
    target: join(dirname(path), String(match[2])),
    line: text.slice(0, match.index).split('\n').length,
  }))
}

function moduleOf(path: string): string | undefined {
  return /^modules\/([\w-]+)\//.exec(path)?.[1]
}

function cycles(edges: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  const found = new Set<string>()
  const walk = (name: string, trail: string[]): void => {
    if (trail.includes(name)) {
      const cycle = trail.slice(trail.indexOf(name))
      if (cycle[0] === [...cycle].sort()[0]) found.add(`modules in a circle: ${[...cycle, name].join(' -> ')}`)
      return
    }
    for (const next of edges.get(name) ?? []) walk(next, [...trail, name])
  }
  for (const name of edges.keys()) walk(name, [])
  return [...found]
}

export function readSources(): Source[] {
  const root = fileURLToPath(new URL('../src', import.meta.url))
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .filter((path) => !path.startsWith('generated/'))
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }))
}

if (import.meta.main) {
  const found = breaches(readSources())
  for (const breach of found) console.error(breach)
  if (found.length > 0) {
    console.error('The house plan (CONTRIBUTING.md) says who may import whom: move the code to where it belongs.')
    process.exitCode = 1
  }
}
