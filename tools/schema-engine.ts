import { readFile } from 'node:fs/promises'
import * as engine from '@prisma/schema-engine-wasm/schema_engine_bg'

const ok = <T>(value: T) => Promise.resolve({ ok: true, value })

/** The engine needs a connection even to compare two schemas, but ignores its answers. */
const CONNECTION = {
  provider: 'postgres',
  adapterName: '@prisma/adapter-pg',
  queryRaw: () => ok({ columnNames: [], columnTypes: [], rows: [] }),
  executeRaw: () => ok(0),
  executeScript: () => ok(undefined),
  getConnectionInfo: () => ({ ok: true, value: { schemaName: 'public', supportsRelationJoins: true } }),
  dispose: () => ok(undefined),
}

const NO_DATABASE = {
  provider: 'postgres',
  adapterName: '@prisma/adapter-pg',
  connect: () => ok(CONNECTION),
  connectToShadowDb: () => ok(CONNECTION),
}

let loading: Promise<void> | undefined

/** Instantiates the WebAssembly by hand: importing `.wasm` is still experimental in Node 24. */
async function load(): Promise<void> {
  const url = new URL('./schema_engine_bg.wasm', import.meta.resolve('@prisma/schema-engine-wasm'))
  const { instance } = await WebAssembly.instantiate(await readFile(url), { './schema_engine_bg.js': { ...engine } })
  engine.__wbg_set_wasm(instance.exports)
  const start = instance.exports.__wbindgen_start
  if (typeof start === 'function') start()
}

/**
 * Returns the SQL that leads from one Prisma schema (undefined: an empty database) to another;
 * empty if they agree.
 */
export async function diffSql(from: string | undefined, to: string): Promise<string> {
  loading ??= load()
  await loading
  const schema = (content: string) => ({ tag: 'schemaDatamodel' as const, files: [{ path: 'schema.prisma', content }] })
  const instance = await engine.SchemaEngine.new({ datamodels: undefined }, () => {}, NO_DATABASE)
  try {
    const result = await instance.diff({
      from: from === undefined ? { tag: 'empty' } : schema(from),
      to: schema(to),
      script: true,
      exitCode: null,
      filters: { externalTables: [], externalEnums: [] },
    })
    const sql = (result.stdout ?? '').replace('-- This is an empty migration.', '').trimStart()
    // The server makes the schema that its URL names; the files stay free of schema names.
    return sql.replace(/^-- CreateSchema\nCREATE SCHEMA IF NOT EXISTS "public";\n+/, '')
  } finally {
    instance.free()
  }
}
