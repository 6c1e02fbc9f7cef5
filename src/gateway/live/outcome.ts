import type { ExecutionResult } from 'graphql'

export type EngineResult = ExecutionResult<Record<string, unknown>>

/** How a result is written. */
export type Render<Written = string> = (result: EngineResult) => Written

/** What one event came to. Many streams may share it, and with it all that it is written as. */
export class Outcome {
  readonly result: EngineResult
  #written: Map<Render<unknown>, unknown> | undefined

  constructor(result: EngineResult) {
    this.result = result
  }

  /** The result as this function writes it, which is asked once. */
  as<Written>(render: Render<Written>): Written {
    this.#written ??= new Map()
    if (!this.#written.has(render)) this.#written.set(render, render(this.result))
    return this.#written.get(render) as Written
  }
}
