import { lstatSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

/** Returns the bytes that each package takes on the disk, its nested packages included, the largest first. */
export function sizesByPackage(nodeModules: string): [name: string, bytes: number][] {
  const names = readdirSync(nodeModules).flatMap((name) =>
    name.startsWith('@') ? readdirSync(join(nodeModules, name)).map((one) => `${name}/${one}`) : [name],
  )
  const sizes = names.map((name): [string, number] => [name, sizeOf(join(nodeModules, name))])
  return sizes.sort(([, one], [, other]) => other - one)
}

/** Returns the bytes that a file or a folder takes on the disk, without what is left out. */
export function sizeOf(path: string, leftOut: (path: string) => boolean = () => false): number {
  if (leftOut(path)) return 0
  const entry = lstatSync(path)
  const own = entry.blocks * 512
  if (!entry.isDirectory()) return own
  return readdirSync(path).reduce((sum, name) => sum + sizeOf(join(path, name), leftOut), own)
}
