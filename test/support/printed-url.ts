import type { ChildProcess } from 'node:child_process'

/** Characters of a server's output that an error shows. */
const SHOWN = 10_000

/**
 * Returns the URL that a server prints when it is ready. Rejects if it exits before. The caller must
 * go on reading its output, since a full pipe would stop the server.
 */
export function printedUrl(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    const streams = [child.stdout, child.stderr]
    let output = ''
    const read = (chunk: Buffer) => {
      output = (output + String(chunk)).slice(-SHOWN)
      const found = /"url":"([^"]+)"/.exec(output)?.[1]
      if (found === undefined) return
      for (const stream of streams) stream?.off('data', read).resume()
      resolve(found)
    }
    for (const stream of streams) stream?.on('data', read)
    child.once('exit', (code) => reject(new Error(`the server exited with ${code}: ${output}`)))
  })
}
