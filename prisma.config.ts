import { defineConfig } from 'prisma/config'

// `prisma generate` never runs the schema engine but tries to download it: point it at something that exists.
if (process.argv.includes('generate')) process.env.PRISMA_SCHEMA_ENGINE_BINARY ??= process.execPath

export default defineConfig({ schema: 'prisma/schema.prisma' })
