/** PostGraphile on the functions of postgraphile.sql, which check the viewer. */
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { GraphQLError } from 'graphql'
import { postgraphile } from 'postgraphile'
import { makePgService } from 'postgraphile/adaptors/pg'
import { grafserv } from 'postgraphile/grafserv/node'
import { PostGraphileAmberPreset } from 'postgraphile/presets/amber'
import { closeOnSignal, createPool, settings } from './common/settings.ts'
import { createQueries } from './common/sql.ts'

const CODES: Record<string, string> = {
  TW401: 'UNAUTHENTICATED',
  TW403: 'FORBIDDEN',
  TW404: 'NOT_FOUND',
  TW422: 'VALIDATION_FAILED',
}

const pool = createPool()
await pool.query(readFileSync(new URL('postgraphile.sql', import.meta.url), 'utf8'))
const { findViewer } = createQueries(pool)

const pgl = postgraphile({
  extends: [PostGraphileAmberPreset],
  // Rows are reached only through the functions, and sorted by columns that PostGraphile sees no
  // index for.
  disablePlugins: ['NodePlugin', 'AddNodeInterfaceToSuitableTypesPlugin', 'PgIndexBehaviorsPlugin'],
  pgServices: [makePgService({ pool, schemas: ['public', 'api'] })],
  schema: {
    defaultBehavior: '-insert -update -delete -query:resource:list -query:resource:connection -query:resource:single',
  },
  grafserv: {
    graphiql: false,
    watch: false,
    maskError(error) {
      const { code } = (error.originalError ?? {}) as { code?: string }
      const known = CODES[code ?? '']
      if (known === undefined && error.originalError) return new GraphQLError('Unexpected error.', { path: error.path })
      return new GraphQLError(error.message, { path: error.path, extensions: { code: known } })
    },
  },
  grafast: {
    async context(request) {
      const viewer = await findViewer(request.http?.getHeader('authorization'))
      return { pgSettings: { 'bench.viewer': viewer?.id ?? '', 'bench.admin': String(viewer?.isAdmin ?? false) } }
    },
  },
})

const server = createServer()
await pgl.createServ(grafserv).addTo(server)
if (process.argv.includes('--schema')) {
  const { printSchema } = await import('graphql')
  console.log(printSchema((await pgl.getSchemaResult()).schema))
  process.exit(0)
}
closeOnSignal(async () => {
  server.closeAllConnections()
  server.close()
  await pgl.release()
  await pool.end()
})
server.listen(settings.port, settings.host)
