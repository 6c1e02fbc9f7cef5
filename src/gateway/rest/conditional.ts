import { hash } from 'node:crypto'
import { AppError } from '../errors.ts'

/**
 * Returns a strong ETag (RFC 9110 8.8.3): `"v3.<hash of the body>"` if there is a version, else
 * the hash alone.
 */
export function entityTag(body: string | Buffer, version: unknown): string {
  const digest = hash('sha256', body, 'base64url').slice(0, 22)
  return typeof version === 'number' ? `"v${version}.${digest}"` : `"${digest}"`
}

/** Evaluates `If-None-Match` (RFC 9110 13.1.2) with weak comparison. `*` matches everything. */
export function noneMatch(header: string, tag: string): boolean {
  return splitTags(header).every((one) => one !== '*' && one.replace(/^W\//, '') !== tag)
}

/**
 * Returns the version that `If-Match` (RFC 9110 13.1.1) names, or undefined for `*`, which any
 * version satisfies. A weak tag, or one that this server does not issue, matches nothing: -1.
 */
export function versionOfTags(header: string): number | undefined {
  const tags = splitTags(header)
  if (tags.includes('*')) return undefined
  const versions = new Set(tags.map((tag) => Number(/^"v(\d{1,9})\.[\w-]+"$/.exec(tag)?.[1] ?? -1)))
  versions.delete(-1)
  if (versions.size > 1)
    throw new AppError('BAD_REQUEST', 'If-Match: name one version, not several.', { path: ['header', 'If-Match'] })
  return [...versions][0] ?? -1
}

function splitTags(header: string): string[] {
  return header.match(/\*|(?:W\/)?"[^"]*"/g) ?? []
}
