/** Preloaded into a server: shifts what it takes for the time by CLOCK_SKEW_MS. */

const RealDate = Date
const shift = Number(process.env.CLOCK_SKEW_MS ?? 0)

class SkewedDate extends RealDate {
  constructor(...args: [] | ConstructorParameters<typeof Date>) {
    if (args.length === 0) super(RealDate.now() + shift)
    else super(...args)
  }

  static override now(): number {
    return RealDate.now() + shift
  }
}

globalThis.Date = SkewedDate as DateConstructor
