import type { Database } from '../../database/client.ts'
import { MAX_MENTIONS } from './input.ts'

interface Member {
  id: string
  name: string
  email: string
}

/**
 * Returns the ids of the project's members whom a text mentions, in the order of the text. A
 * mention is `@` and an e-mail address or a name, in any case, that does not continue a word.
 */
export async function findMentions(db: Database, projectId: string, body: string): Promise<string[]> {
  if (!body.includes('@')) return []
  const members = await db.membership.findMany({
    where: { projectId, user: { disabledAt: null } },
    select: { user: { select: { id: true, name: true, email: true } } },
  })
  return mentionsIn(
    body,
    members.map(({ user }) => user),
  )
}

/** Names that several members share mention none of them: an e-mail address says who is meant. */
export function mentionsIn(body: string, members: readonly Member[]): string[] {
  const folded = fold(body)
  const byName = new Map<string, string | undefined>()
  for (const { id, name, email } of members) {
    for (const text of new Set([fold(name), fold(email)])) byName.set(text, byName.has(text) ? undefined : id)
  }
  // The longest first: "@Ada Lovelace" is not "@Ada".
  const names = [...byName.keys()].sort((a, b) => b.length - a.length)
  const found = new Set<string>()
  for (let at = folded.indexOf('@'); at >= 0 && found.size < MAX_MENTIONS; at = folded.indexOf('@', at + 1)) {
    if (isWord(folded, at - 1)) continue
    const name = names.find((one) => folded.startsWith(one, at + 1) && !isWord(folded, at + 1 + one.length))
    const id = name === undefined ? undefined : byName.get(name)
    if (id !== undefined) found.add(id)
  }
  return [...found]
}

/** Ignores case and how accents are encoded. */
const fold = (text: string) => text.normalize('NFC').toLowerCase()

/** Returns true if the character at an index continues a word or an e-mail address. */
function isWord(text: string, index: number): boolean {
  return index >= 0 && /^[\p{L}\p{N}_]/u.test(text.slice(index, index + 2))
}
