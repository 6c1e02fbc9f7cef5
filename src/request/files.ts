import type { Readable } from 'node:stream'

export type { Content } from '../gateway/operation.ts'
export type { ReceivedFile, Upload } from '../gateway/uploads/upload.ts'

/** Where the bytes of files are. Ids are UUIDs made by this server: nothing else becomes a name. */
export interface FileStorage {
  /**
   * Stores a file. It is complete on disk when the promise resolves; if `bytes` fails, nothing of it
   * is left.
   */
  write(id: string, bytes: AsyncIterable<Buffer>): Promise<void>
  /** Opens a file from the first to the last byte, both included. Returns null if it is missing. */
  read(id: string, first: number, last: number): Promise<Readable | null>
  has(id: string): Promise<boolean>
  /** Removes a file, if it is there. */
  remove(id: string): Promise<void>
  /** Yields every file, also those that are incomplete. */
  list(): AsyncIterable<StoredFile>
}

export interface StoredFile {
  id: string
  modifiedAt: Date
  /** False while it is being written, or if that was cut off. */
  isComplete: boolean
}
