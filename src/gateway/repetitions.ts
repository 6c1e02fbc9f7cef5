/**
 * Counts selections of the same name: graphql-js compares each with all others that can end up in
 * the same place of the answer, which takes seconds for a thousand of them.
 */

/** A place of the answer, as far as it is known: below an operation, or below a fragment. */
export interface Place {
  readonly isFragment: boolean
  readonly inner: Map<string, Place>
  count: number
}

interface Total {
  comparisons: number
  inOperations: number
  inFragments: number
}

/** Stands for a fragment spread. Spreads are compared whatever their names are. */
const SPREAD = '...'

export class Repetitions {
  readonly operations: Place = { isFragment: false, inner: new Map(), count: 0 }
  readonly fragments: Place = { isFragment: true, inner: new Map(), count: 0 }
  readonly #totals = new Map<string, Total>()

  /** Counts a selection and returns its place. */
  add({ isFragment, inner }: Place, name = SPREAD): Place {
    let place = inner.get(name)
    if (!place) {
      place = { isFragment, inner: new Map(), count: 0 }
      inner.set(name, place)
    }
    let total = this.#totals.get(name)
    if (!total) {
      total = { comparisons: 0, inOperations: 0, inFragments: 0 }
      this.#totals.set(name, total)
    }
    total.comparisons += place.count++
    if (isFragment) total.inFragments++
    else total.inOperations++
    return place
  }

  /**
   * Returns the number of comparisons at most, and the name with the most. A selection in a
   * fragment can end up beside any other of its name.
   */
  sum(): { comparisons: number; most: string } {
    let [comparisons, most, largest] = [0, '', 0]
    for (const [name, { comparisons: own, inOperations, inFragments }] of this.#totals) {
      const all = inFragments === 0 ? own : own + inFragments * (inFragments / 2 + inOperations)
      comparisons += all
      if (all > largest) [most, largest] = [name, all]
    }
    return { comparisons: Math.round(comparisons), most }
  }
}
