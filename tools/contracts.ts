/**
 * Writes the two contracts, schema.graphql and openapi.json. With --check, writes nothing and
 * fails when one of them is out of date.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { lexicographicSortSchema, printSchema } from 'graphql'
import { REST_API } from '../src/app/rest-api.ts'
import { schema } from '../src/app/schema.ts'
import { createEngine } from '../src/gateway/engine.ts'
import { describeRest } from '../src/gateway/rest.ts'

const openapi = await describeRest({ engine: createEngine({ schema }), ...REST_API })

const contracts = {
  'schema.graphql': `${printSchema(lexicographicSortSchema(schema))}\n`,
  'openapi.json': `${JSON.stringify(openapi, null, 2)}\n`,
}

for (const [name, text] of Object.entries(contracts)) {
  const path = new URL(`../${name}`, import.meta.url)
  if (!process.argv.includes('--check')) {
    await writeFile(path, text)
  } else if ((await readFile(path, 'utf8').catch(() => '')) !== text) {
    console.error(`${name} is out of date. Run: npm run contracts`)
    process.exitCode = 1
  }
}
