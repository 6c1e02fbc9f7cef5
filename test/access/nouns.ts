import { readdirSync } from 'node:fs'
import type { Noun } from './noun.ts'

/** The nouns that have a file of their own in test/access/nouns. */
const directory = new URL('./nouns/', import.meta.url)
const modules = readdirSync(directory).map((file): Promise<{ noun: Noun }> => import(new URL(file, directory).href))
export const nouns: readonly Noun[] = (await Promise.all(modules)).map(({ noun }) => noun)
