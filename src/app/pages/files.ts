import { readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { headersOf, NO_SOURCE_MAP } from '../../gateway/docs/page.ts'
import { type Asset, createAsset } from '../../gateway/http/assets.ts'

/** The path of the files that the pages load. */
export const FILES = '/pages'

const CLIENT = new URL('./client/', import.meta.url)
const LIT = ['lit-html.js', 'directive.js', 'directive-helpers.js', 'directives/repeat.js', 'directives/guard.js']

/** Names below `client`. Only these are served; other names are never looked up on disk. */
const NAMES = readdirSync(CLIENT, { recursive: true, encoding: 'utf8' }).filter((name) => /\.(js|css|svg)$/.test(name))

/** Creates the assets of all pages by their path: our own files, and lit-html from its package. */
export function pageFiles(): Record<string, Asset> {
  const own = NAMES.map((name) => [`${FILES}/${name}`, () => readFile(new URL(name, CLIENT))] as const)
  const lit = LIT.map((name) => [`${FILES}/lit/${name}`, () => readLit(name)] as const)
  return Object.fromEntries([...own, ...lit].map(([path, load]) => [path, createAsset(load, headersOf(path))]))
}

/** Reads a browser module of lit-html. Node itself would resolve to the modules for servers, which lie in a folder. */
async function readLit(name: string): Promise<Buffer> {
  const forServers = createRequire(import.meta.url).resolve('lit-html')
  const path = join(dirname(forServers), '..', name)
  return Buffer.from((await readFile(path, 'utf8')).replace(...NO_SOURCE_MAP))
}

/** Returns the paths of the modules that a page loads: those of the folder, and those that all pages share. */
export function modulesOf(folder: string): string[] {
  const shared = NAMES.filter((name) => name.startsWith('shared/') && name.endsWith('.js'))
  const own = NAMES.filter((name) => name.startsWith(`${folder}/`) && name.endsWith('.js'))
  return [...[...shared, ...own].map((name) => `${FILES}/${name}`), ...LIT.map((name) => `${FILES}/lit/${name}`)]
}
