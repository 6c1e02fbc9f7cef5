import type { Variables } from './doors.ts'
import type { Hiding } from './hidings.ts'
import type { World } from './world.ts'

/** Builds requests for objects that are hidden and for objects that do not exist. */
export interface Probe extends Hiding {
  variables: (id: string, asking: World) => Variables
}
