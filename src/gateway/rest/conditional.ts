import { createHash } from 'node:crypto'
import { AppError } from '../errors.ts'

/** `"v3.<hash of the body>"` for what has a version, else a hash alone (RFC 9110 8.8.3, strong). */
export function entityTag(body: Buffer, version: unknown): string {
  const hash = createHash('sha256').update(body).digest('base64url').slice(0, 22)
  return typeof version === 'number' ? `"v${version}.${hash}"` : `"${hash}"`
}

/** `If-None-Match` (RFC 9110 13.1.2): weak comparison, `*` matches whatever is there. */
export function noneMatch(header: string, tag: string): boolean {
  return splitTags(header).every((one) => one !== '*' && one.replace(/^W\//, '') !== tag)
}

/**
 * The version that `If-Match` (RFC 9110 13.1.1) asks for; undefined for `*`, which asks only that the thing be there.
 * A tag that is not one of ours, or a weak one, can match nothing: -1.
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
