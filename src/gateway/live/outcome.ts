import type { ExecutionResult } from 'graphql'

export type EngineResult = ExecutionResult<Record<string, unknown>>

/** Serializes a result. */
export type Render<Written = string> = (result: EngineResult) => Written

/** The result of one event. Streams share it together with its serialized forms. */
export class Outcome {
  readonly result: EngineResult
  #written: Map<Render<unknown>, unknown> | undefined

  constructor(result: EngineResult) {
    this.result = result
  }

  /** Returns the result serialized by this function, which runs only once. */
  as<Written>(render: Render<Written>): Written {
    this.#written ??= new Map()
    if (!this.#written.has(render)) this.#written.set(render, render(this.result))
    return this.#written.get(render) as Written
  }
}
