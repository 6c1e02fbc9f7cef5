import { hash } from 'node:crypto'
import { AppError } from '../errors.ts'
import { plainTag } from './encoding.ts'

/**
 * Returns a strong ETag (RFC 9110 8.8.3): `"v3.<hash of the body>"` if there is a version, else
 * the hash alone.
 */
export function entityTag(body: string | Buffer, version: unknown): string {
  const digest = hash('sha256', body, 'base64url').slice(0, 22)
  return typeof version === 'number' ? `"v${version}.${digest}"` : `"${digest}"`
}

/**
 * Returns the tag of an `If-None-Match` (RFC 9110 13.1.2) that names this representation, or
 * undefined if none does. The comparison is weak, and the tag of any encoding matches: the client
 * has its bytes. `*` matches everything.
 */
export function matchingTag(header: string, tag: string): string | undefined {
  const tags = splitTags(header).map((one) => one.replace(/^W\//, ''))
  return tags.includes('*') ? tag : tags.find((one) => one === tag || plainTag(one) === tag)
}

/** A version that nothing has. */
export const NO_VERSION = -1

/**
 * Returns the version that `If-Match` (RFC 9110 13.1.1) names, or undefined for `*`, which any
 * version satisfies. A weak tag, or one that this server does not issue, matches nothing.
 */
export function versionOfTags(header: string): number | undefined {
  const tags = splitTags(header)
  if (tags.includes('*')) return undefined
  const versions = new Set(tags.map((tag) => Number(/^"v(\d{1,9})\.[\w-]+"$/.exec(tag)?.[1] ?? NO_VERSION)))
  versions.delete(NO_VERSION)
  if (versions.size > 1)
    throw new AppError('BAD_REQUEST', 'If-Match: name one version, not several.', { path: ['header', 'If-Match'] })
  return [...versions][0] ?? NO_VERSION
}

function splitTags(header: string): string[] {
  return header.match(/\*|(?:W\/)?"[^"]*"/g) ?? []
}
