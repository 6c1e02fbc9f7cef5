/** What a media type is judged by, in bytes. */
export const SNIFFED_BYTES = 4_100

const MEDIA_TYPE = /^[a-z0-9][a-z0-9!#$&^_.+-]{0,62}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,62}$/

/** What clients send if they know nothing of the file. */
const UNKNOWN = new Set(['application/x-www-form-urlencoded', 'multipart/form-data'])

/**
 * Returns the media type of a file: what its first bytes say, else what the client says. A hint for
 * people: a server never shows a file because of it.
 */
export async function mediaTypeOf(head: Buffer, claimed: string | undefined): Promise<string> {
  const { fileTypeFromBuffer } = await import('file-type')
  // It is made for any bytes, but a hint is not worth an error.
  const sniffed = await fileTypeFromBuffer(head).catch(() => undefined)
  if (sniffed) return sniffed.mime
  const [type = ''] = (claimed ?? '').split(';')
  const plain = type.trim().toLowerCase()
  return MEDIA_TYPE.test(plain) && !UNKNOWN.has(plain) ? plain : 'application/octet-stream'
}
