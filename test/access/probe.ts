import type { World } from './cast.ts'
import type { Variables } from './doors.ts'
import type { Hiding } from './hidings.ts'

/** Builds requests for objects that are hidden and for objects that do not exist. */
export interface Probe extends Hiding {
  variables: (id: string, asking: World) => Variables
}
