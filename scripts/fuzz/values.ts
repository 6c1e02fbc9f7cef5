import { hostileValue, type Random } from './random.ts'

export type Schema = Record<string, unknown>

/** What the generator may name: schemas by reference, and ids of things that are there. */
export interface World {
  components: Record<string, Schema>
  ids: readonly string[]
}

/** A value of a JSON Schema, mostly; now and then something else in some place of it. */
export function drawValue(schema: Schema | undefined, world: World, random: Random, depth = 0): unknown {
  if (!schema || depth > 6 || random.chance(0.03)) return hostileValue(random)
  if (typeof schema.$ref === 'string') {
    return drawValue(world.components[schema.$ref.split('/').at(-1) ?? ''], world, random, depth + 1)
  }
  const choices = (schema.anyOf ?? schema.oneOf) as Schema[] | undefined
  if (choices) return drawValue(random.pick(choices), world, random, depth + 1)
  if (Array.isArray(schema.enum)) return random.pick(schema.enum)
  if (schema.const !== undefined) return schema.const
  const type = Array.isArray(schema.type) ? random.pick(schema.type as string[]) : schema.type
  switch (type) {
    case 'null':
      return null
    case 'boolean':
      return random.chance(0.5)
    case 'integer':
    case 'number': {
      const least = Number(schema.minimum ?? 0)
      return least + random.below(Math.min(Number(schema.maximum ?? 1_000), least + 1_000) - least + 1)
    }
    case 'string':
      return drawText(schema, world, random)
    case 'array':
      return Array.from({ length: random.below(3) }, () => drawValue(schema.items as Schema, world, random, depth + 1))
    case 'object':
      return drawObject(schema, world, random, depth)
    default:
      return hostileValue(random)
  }
}

function drawObject(schema: Schema, world: World, random: Random, depth: number): Record<string, unknown> {
  const properties = Object.entries((schema.properties ?? {}) as Record<string, Schema>)
  const required = (schema.required ?? []) as string[]
  const kept = properties.filter(([name]) =>
    required.includes(name) ? random.chance(0.98) : random.chance(depth > 2 ? 0.15 : 0.4),
  )
  const made = Object.fromEntries(kept.map(([name, one]) => [name, drawValue(one, world, random, depth + 1)]))
  return random.chance(0.03) ? { ...made, [String(hostileValue(random))]: hostileValue(random) } : made
}

function drawText(schema: Schema, world: World, random: Random): string {
  if (schema.format === 'date-time') return new Date(random.below(4_102_444_800) * 1000).toISOString()
  if (schema.format === 'email') return `${random.below(1e9)}@example.org`
  if (schema.format === 'uuid' || random.chance(0.3)) return random.pick(world.ids)
  if (schema.pattern === '^#[0-9a-f]{6}$') return '#1d76db'
  const longest = Math.min(Number(schema.maxLength ?? 30), 60)
  const shortest = Number(schema.minLength ?? 0)
  return 'word '.repeat(20).slice(0, shortest + random.below(longest - shortest + 1))
}
