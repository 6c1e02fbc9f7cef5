import { createHash } from 'node:crypto'
import { realpath } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Beside the socket of the embedded database. Its folder admits the user of the server only. */
export const SNAPSHOT_SOCKET = 'snapshot'

/** The whole path of a socket has at most 107 bytes. */
const MAX_SOCKET_PATH_BYTES = 107

/** Returns the folder of the sockets of the embedded database in a data folder. */
export function socketDirectoryOf(served: string, longestName: string): string {
  const name = `taskwire-${createHash('sha256').update(`${process.getuid?.()}:${served}`).digest('hex').slice(0, 16)}`
  const temporary = join(tmpdir(), name, longestName).length <= MAX_SOCKET_PATH_BYTES ? tmpdir() : '/tmp'
  return join(temporary, name)
}

/**
 * Asks the process that has an embedded database open to copy it to `target`, which must not exist.
 * Statements wait meanwhile.
 */
export async function requestSnapshot(dataDir: string, target: string): Promise<void> {
  const path = join(socketDirectoryOf(await realpath(dataDir), '.s.PGSQL.5432'), SNAPSHOT_SOCKET)
  const answer = await new Promise<string>((resolve, reject) => {
    let text = ''
    const socket = connect(path, () => socket.write(target))
    socket.setEncoding('utf8')
    socket.on('data', (chunk: string) => {
      text += chunk
    })
    socket.once('end', () => resolve(text))
    socket.once('error', (error) =>
      reject(
        new Error(
          `The server that uses ${dataDir} did not answer. Run the backup on the same machine, as the same user and with the same TMPDIR.`,
          { cause: error },
        ),
      ),
    )
  })
  if (answer) throw new Error(`The server could not copy its database: ${answer}`)
}
