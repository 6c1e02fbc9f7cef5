import { startedByNpm } from './config.ts'

const LOOK_EVERY_MS = 500

/**
 * Calls back when npm, which started this process, is gone. A stopped `npm start` ends only the shell it runs the command
 * in: the server would stay behind, on its port and its data, with nobody to stop it.
 */
export function whenOrphaned(stop: () => void): void {
  if (!startedByNpm()) return
  const parent = process.ppid
  const timer = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(timer)
    stop()
  }, LOOK_EVERY_MS)
  timer.unref()
}
