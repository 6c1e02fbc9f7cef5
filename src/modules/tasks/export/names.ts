import type { Context } from '../../../request/context.ts'
import { requireViewer } from '../../../request/viewer.ts'

/** Number of lists that are kept: most tasks have one of a few. */
const MAX_LISTS = 10_000

/** A list in a line: its type, and ids as PostgreSQL writes them, like "labels{id,id}". */
type List = string

type Find = (ctx: Context, ids: string[]) => Promise<Map<string, string>>

/** Looks up the names that lists of ids stand for, and keeps their text. */
export class Names {
  readonly #ctx: Context
  readonly #spell: (names: readonly string[]) => string
  #texts = new Map<List, string>()

  constructor(ctx: Context, spell: (names: readonly string[]) => string) {
    this.#ctx = ctx
    this.#spell = spell
  }

  /** Looks up the names of these lists, with a statement for each type. */
  async learn(lists: readonly List[]): Promise<void> {
    if (this.#texts.size > MAX_LISTS) this.#texts = new Map()
    const unknown = [...new Set(lists)].filter((list) => !this.#texts.has(list))
    for (const type of Object.keys(FIND) as (keyof typeof FIND)[]) {
      const found = unknown.filter((list) => list.startsWith(type)).map((list) => ({ list, ids: idsIn(list) }))
      if (found.length === 0) continue
      const names = await FIND[type](this.#ctx, [...new Set(found.flatMap(({ ids }) => ids))])
      for (const { list, ids } of found) {
        this.#texts.set(list, this.#spell(ids.flatMap((id) => names.get(id) ?? []).sort()))
      }
    }
  }

  /** Returns the text of a list that was learnt. */
  textOf(list: List): string {
    return this.#texts.get(list) ?? ''
  }
}

const idsIn = (list: List): string[] => list.slice(list.indexOf('{') + 1, -1).split(',')

const FIND = {
  labels: async ({ db }, ids) => {
    const labels = await db.label.findMany({ where: { id: { in: ids } }, select: { id: true, name: true } })
    return new Map(labels.map(({ id, name }) => [id, name]))
  },
  // Addresses are private: others are shown by name.
  people: async (ctx, ids) => {
    const viewer = requireViewer(ctx)
    const isShown = (id: string) => viewer.role === 'ADMIN' || viewer.id === id
    const users = await ctx.db.user.findMany({
      where: { id: { in: ids } },
      select: { id: true, email: true, name: true },
    })
    return new Map(users.map(({ id, email, name }) => [id, isShown(id) ? email : name]))
  },
} satisfies Record<string, Find>
