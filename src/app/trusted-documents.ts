import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { ConfigError } from '../config.ts'

const documents = z
  .record(z.string(), z.string('each value must be the text of a document'))
  .refine(
    (texts) => Object.keys(texts).every((hash) => /^[\da-f]{64}$/.test(hash)),
    'each key must be a SHA-256 in lower-case hex',
  )

/** Reads the file of TRUSTED_DOCUMENTS: texts by hash. Throws a ConfigError if it is not valid. */
export async function readTrustedDocuments(path: string | undefined): Promise<Record<string, string>> {
  if (path === undefined) return {}
  try {
    return documents.parse(JSON.parse(await readFile(path, 'utf8')))
  } catch (error) {
    const reason = error instanceof z.ZodError ? error.issues[0]?.message : (error as Error).message
    throw new ConfigError(`The configuration is invalid:\n  TRUSTED_DOCUMENTS: ${path}: ${reason}`)
  }
}
