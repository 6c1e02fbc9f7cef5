/** Outcome of a row of the file. */
export const ROW_STATUSES = ['CREATED', 'UPDATED', 'UNCHANGED', 'SKIPPED', 'FAILED'] as const

export interface RowOutcome {
  line: number
  status: (typeof ROW_STATUSES)[number]
  taskId: string | null
  /** Why it failed or was skipped. */
  message: string | null
  warnings: string[]
}

/**
 * Maximum number of outcomes in an answer. Those with a message or a warning come first, so that a
 * large file shows what is wrong with it.
 */
export const MAX_RESULTS = 1_000
const MAX_WARNINGS = 10

/** Counts outcomes, and keeps as many as an answer shows. */
export class Results {
  readonly #counts: Record<RowOutcome['status'], number> = {
    CREATED: 0,
    UPDATED: 0,
    UNCHANGED: 0,
    SKIPPED: 0,
    FAILED: 0,
  }
  readonly #notable: RowOutcome[] = []
  readonly #plain: RowOutcome[] = []

  add(outcome: RowOutcome): void {
    this.#counts[outcome.status]++
    const isNotable = outcome.message !== null || outcome.warnings.length > 0
    const kept = isNotable ? this.#notable : this.#plain
    if (kept.length < MAX_RESULTS) kept.push({ ...outcome, warnings: outcome.warnings.slice(0, MAX_WARNINGS) })
  }

  /** Adds a warning about a row whose outcome is known. */
  warn(line: number, taskId: string, warning: string): void {
    const known = [...this.#notable, ...this.#plain].find((one) => one.taskId === taskId)
    if (known) known.warnings.push(warning)
    else if (this.#notable.length < MAX_RESULTS)
      this.#notable.push({ line, status: 'CREATED', taskId, message: null, warnings: [warning] })
  }

  get failed(): number {
    return this.#counts.FAILED
  }

  report() {
    const { CREATED, UPDATED, UNCHANGED, SKIPPED, FAILED } = this.#counts
    const results = [...this.#notable, ...this.#plain].slice(0, MAX_RESULTS).sort((a, b) => a.line - b.line)
    const all = CREATED + UPDATED + UNCHANGED + SKIPPED + FAILED
    return {
      created: CREATED,
      updated: UPDATED,
      unchanged: UNCHANGED,
      skipped: SKIPPED,
      failed: FAILED,
      results,
      resultsTruncated: results.length < all,
    }
  }
}
