/**
 * With EVERY_DOOR set, each cell of the access matrix is tried through every door, which takes
 * three times as long. Otherwise each cell takes one door, in turn: see `inTurn`.
 */
export const everyDoor = process.env.EVERY_DOOR !== undefined

/**
 * Returns one of the doors, the next for each `turn`. Callers count turns so that neighbouring
 * cells of equal outcome take different doors.
 */
export function inTurn<Door>(doors: readonly Door[], turn: number): readonly Door[] {
  return everyDoor || doors.length === 0 ? doors : [doors[turn % doors.length] as Door]
}
