import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Image } from './image.ts'

/**
 * Runs the services of compose.yaml in a network of their own. PostgreSQL and HAProxy are those of this
 * machine; the servers run the replayed image.
 */
export async function checkTopology(image: Image, folder: string): Promise<void> {
  const file = join(import.meta.dirname, 'services.ts')
  const command = ['sh', '-c', 'mount -t tmpfs tmpfs /run && exec "$@"', 'sh', process.execPath, file]
  // The process namespace ends everything in it when the test ends.
  const namespaces = ['--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc']
  const child = spawn('unshare', [...namespaces, ...command, folder, JSON.stringify(image)], { stdio: 'inherit' })
  const [code] = await once(child, 'exit')
  if (code !== 0) throw new Error(`the services of compose.yaml failed: exit code ${code}`)
}
