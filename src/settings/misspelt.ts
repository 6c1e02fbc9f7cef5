/** Names this short are like too many others, so only their case may differ. */
const MIN_LENGTH = 6

/**
 * Returns variables that look like a misspelt setting, as the setting would be ignored:
 * `"DATABASE_URl" is not a setting. Did you mean DATABASE_URL?`
 */
export function misspeltVariables(given: Iterable<string>, settings: readonly string[]): string[] {
  const known = new Set(settings)
  return [...given].sort().flatMap((name) => {
    const meant = known.has(name) ? undefined : settings.find((setting) => isAlike(name, setting))
    return meant === undefined ? [] : [`${JSON.stringify(name)} is not a setting. Did you mean ${meant}?`]
  })
}

function isAlike(name: string, setting: string): boolean {
  const given = name.toUpperCase()
  if (given === setting) return true
  if (setting.length < MIN_LENGTH) return false
  const most = setting.length < 10 ? 1 : 2
  return Math.abs(given.length - setting.length) <= most && distance(given, setting) <= most
}

/** Counts the letters to add, remove, replace or swap with the next (optimal string alignment). */
function distance(one: string, other: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: other.length + 1 }, (_, column) => column)
  for (let row = 1; row <= one.length; row++) {
    const current = [row]
    for (let column = 1; column <= other.length; column++) {
      const cost = one[row - 1] === other[column - 1] ? 0 : 1
      const swaps = one[row - 1] === other[column - 2] && one[row - 2] === other[column - 1]
      current[column] = Math.min(
        (last[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + cost,
        swaps ? (beforeLast[column - 2] ?? 0) + 1 : Infinity,
      )
    }
    beforeLast = last
    last = current
  }
  return last[other.length] ?? 0
}
