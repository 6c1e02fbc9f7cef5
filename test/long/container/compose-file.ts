import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'

const ROOT = resolve(import.meta.dirname, '../../..')

const Service = z.strictObject({
  build: z.literal('.').optional(),
  image: z.string(),
  environment: z.record(z.string(), z.union([z.string(), z.number()]).transform(String)).default({}),
  volumes: z.array(z.string()).default([]),
  ports: z.array(z.string()).default([]),
  depends_on: z.unknown().optional(),
  healthcheck: z.strictObject({ test: z.array(z.string()), interval: z.string(), retries: z.number() }).optional(),
  read_only: z.boolean().optional(),
  tmpfs: z.string().optional(),
  cap_drop: z.array(z.string()).optional(),
  security_opt: z.array(z.string()).optional(),
  stop_grace_period: z.string().optional(),
  restart: z.string(),
})

export type Service = z.infer<typeof Service>

const Compose = z.strictObject({
  'x-server': z.unknown(),
  services: z.strictObject({ postgres: Service, 'taskwire-1': Service, 'taskwire-2': Service, proxy: Service }),
  volumes: z.record(z.string(), z.null()),
})

export type Compose = z.infer<typeof Compose>

/** Reads compose.yaml with these values in place of `${NAME}` and `${NAME:?why}`. Throws if it has keys that we do not use. */
export function readCompose(values: Readonly<Record<string, string>>): Compose {
  const text = readFileSync(join(ROOT, 'compose.yaml'), 'utf8')
  const filled = text.replaceAll(/\$\{(\w+)(?::\?[^}]*)?\}/g, (_, name: string) => {
    const value = values[name]
    if (value === undefined) throw new Error(`compose.yaml needs ${name}`)
    return value
  })
  return Compose.parse(parse(filled))
}

/** Returns the file of this repository that a service mounts at a path. */
export function mountedFile({ volumes }: Service, path: string): string {
  const volume = volumes.find((one) => one.split(':')[1] === path)?.split(':')[0]
  if (!volume?.startsWith('./')) throw new Error(`${path} is not a file of the repository`)
  return join(ROOT, volume)
}
