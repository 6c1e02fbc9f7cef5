import { Readable } from 'node:stream'

/** A body that is read while it arrives, once. */
export class StreamedBody {
  readonly chunks: AsyncIterable<Uint8Array>

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.chunks = chunks
  }

  /** A text that is there already. */
  static ofText(text: string): StreamedBody {
    return new StreamedBody(Readable.from([Buffer.from(text)]))
  }
}
