import { z } from 'zod'

/** The file is a tar compressed with zstd. Its members, in this order: */
export const MEMBERS = {
  /** A Header as JSON. */
  header: 'taskwire.json',
  /** Up to ROWS_PER_MEMBER rows of a table in the text format of COPY: tables/Task/1.copy */
  table: (name: string, part: number) => `tables/${name}/${part}.copy`,
  /** The bytes of an attachment, by its id. */
  file: (id: string) => `attachments/${id}`,
  /** A Manifest as JSON. A file without one is incomplete. */
  manifest: 'manifest.json',
} as const

export const FORMAT = 1

export const ROWS_PER_MEMBER = 500

const migrationSchema = z.object({ name: z.string(), checksum: z.string() })

export const headerSchema = z.object({
  format: z.number(),
  createdAt: z.string(),
  migrations: z.array(migrationSchema),
  /** The columns of each table, in the order of the values in its rows. */
  tables: z.record(z.string(), z.array(z.string())),
})

const tableSchema = z.object({
  rows: z.number(),
  /** Of the rows, as they are in the members. */
  sha256: z.string(),
})

export const manifestSchema = z.object({
  tables: z.record(z.string(), tableSchema),
  attachments: z.object({
    count: z.number(),
    bytes: z.number(),
    /** Of a line "id sha256" for each attachment, in the order of the members. */
    sha256: z.string(),
    /** Ids of rows whose file was deleted meanwhile. */
    missing: z.array(z.string()),
  }),
})

export type Header = z.infer<typeof headerSchema>
export type Manifest = z.infer<typeof manifestSchema>
export type TableSummary = z.infer<typeof tableSchema>

/** A backup that cannot be used, or a target that cannot take it. The message says why. */
export class BackupError extends Error {
  readonly code = 'BACKUP'
}
