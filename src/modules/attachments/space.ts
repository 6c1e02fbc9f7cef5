import { AppError } from '../../gateway/errors.ts'
import type { Prisma } from '../../generated/prisma/client.ts'
import type { Context } from '../../request/context.ts'
import type { FileStorage } from '../../request/files.ts'
import { grouped } from '../../schema/rules.ts'

/** What a file counts at least: an empty one takes a block too. */
const MIN_BYTES = 4_096

const counted = (size: number) => Math.max(size, MIN_BYTES)

type SpaceSetting = 'ATTACHMENTS_PROJECT_LIMIT' | 'ATTACHMENTS_LIMIT'

interface Space {
  project: number
  all: number
}

/**
 * Throws CONFLICT if a file of this size does not fit into the space that is left. Within a
 * transaction it keeps others from taking that space until the end.
 */
export async function requireSpace(
  ctx: Context,
  tx: Pick<Prisma.TransactionClient, '$executeRaw' | '$queryRaw'>,
  projectId: string,
  size: number,
): Promise<void> {
  await tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended('taskwire.attachments', 0))`
  refuseBeyond(ctx, await usedSpace(tx, projectId), counted(size))
}

async function usedSpace(db: Pick<Prisma.TransactionClient, '$queryRaw'>, projectId: string): Promise<Space> {
  // Both sums read the index alone.
  const [row] = await db.$queryRaw<Space[]>`
    SELECT (SELECT coalesce(sum(greatest("size", ${MIN_BYTES}::int)), 0)::float8 FROM "Attachment" WHERE "projectId" = ${projectId}::uuid) AS project,
      (SELECT coalesce(sum(greatest("size", ${MIN_BYTES}::int)), 0)::float8 FROM "Attachment") AS all`
  return row ?? { project: 0, all: 0 }
}

function refuseBeyond({ services: { config } }: Context, used: Space, more: number): void {
  const refuse = (setting: SpaceSetting, whose: string) => {
    const message = `The limit is ${grouped(config[setting])} bytes of attachments ${whose}: delete some first (${setting}).`
    throw new AppError('CONFLICT', message, { issues: [{ path: ['file'], code: 'quota', message }] })
  }
  if (used.project + more > config.ATTACHMENTS_PROJECT_LIMIT) refuse('ATTACHMENTS_PROJECT_LIMIT', 'per project')
  if (used.all + more > config.ATTACHMENTS_LIMIT) refuse('ATTACHMENTS_LIMIT', 'in all')
}

/** Bytes of files that are arriving, by project. They are not in the table yet. */
const arriving = new WeakMap<FileStorage, Map<string, number>>()

/** How often the space is checked while a file arrives, in bytes. */
const CHECK_EVERY = 1_048_576

/**
 * Passes the bytes of a file on while there is space for them, together with other files that are
 * arriving at this server. Throws CONFLICT at once if the declared size does not fit.
 */
export async function* withinSpace(
  ctx: Context,
  projectId: string,
  { bytes, declaredSize = 0 }: { bytes: AsyncIterable<Buffer>; declaredSize?: number | undefined },
): AsyncGenerator<Buffer> {
  const used = await usedSpace(ctx.db, projectId)
  refuseBeyond(ctx, used, counted(declaredSize))
  const { files } = ctx.services
  const others = arriving.get(files) ?? new Map<string, number>()
  arriving.set(files, others)
  const add = (count: number) => {
    const sum = (others.get(projectId) ?? 0) + count
    if (sum > 0) others.set(projectId, sum)
    else others.delete(projectId)
  }
  let size = 0
  let next = CHECK_EVERY
  try {
    for await (const chunk of bytes) {
      size += chunk.length
      add(chunk.length)
      if (size >= next) {
        next = size + CHECK_EVERY
        const all = [...others.values()].reduce((sum, count) => sum + count, used.all)
        refuseBeyond(ctx, { project: used.project + (others.get(projectId) ?? 0), all }, 0)
      }
      yield chunk
    }
  } finally {
    add(-size)
  }
}
