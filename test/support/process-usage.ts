import { readFileSync } from 'node:fs'

/** Returns the resident memory of a process in MiB. */
export const memoryOf = (pid: number | undefined): number => readStatus(pid, 'VmRSS')

/** Returns the largest resident memory of a process so far, in MiB. */
export const peakMemoryOf = (pid: number | undefined): number => readStatus(pid, 'VmHWM')

function readStatus(pid: number | undefined, field: string): number {
  const kilobytes = new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Number(kilobytes) / 1_024
}

/** Returns the CPU time that a process has used, in milliseconds. */
export function cpuTimeOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  // utime and stime, in ticks of 10 ms (proc(5)).
  return (Number(fields[11]) + Number(fields[12])) * 10
}
