import { defineConfig } from 'prisma/config'

// `prisma generate` downloads the schema engine although it never runs it. Any existing path avoids
// the download.
if (process.argv.includes('generate')) process.env.PRISMA_SCHEMA_ENGINE_BINARY ??= process.execPath

export default defineConfig({ schema: 'prisma/schema.prisma' })
