import type { Download } from '../gateway/operation.ts'
import { builder } from './builder.ts'

export type { Download }

/** A file that a Query returns. Its `rest` has `download`, so REST sends the bytes. */
export const DownloadType = builder.objectRef<Download>('Download').implement({
  description: 'A file. Fetch its bytes at `url` with the same credential.',
  fields: (t) => ({
    url: t.string({
      description: 'Path and query string on this server.',
      // The gateway adds it: it knows the path of the operation.
      resolve: (download) => (download as Download & { url: string }).url,
    }),
    filename: t.exposeString('filename'),
    contentType: t.exposeString('contentType', { description: 'Media type of the bytes.' }),
    size: t.int({
      nullable: true,
      description: 'In bytes. Null if it is not known before the file is read.',
      resolve: ({ size }) => size ?? null,
    }),
  }),
})
