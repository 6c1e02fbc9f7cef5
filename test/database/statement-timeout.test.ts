import { expect, test } from 'vitest'
import { graphql, rest } from '../support/clients.ts'
import { onPostgres } from '../support/database.ts'
import { newProject } from '../support/factories.ts'
import { ownServerForTest, signUp } from '../support/server.ts'

test.runIf(onPostgres)('a statement may take DATABASE_STATEMENT_TIMEOUT, and no longer', async () => {
  const server = await ownServerForTest({ DATABASE_STATEMENT_TIMEOUT: '1000', DATABASE_SILENCE_TIMEOUT: '10000' })
  const { token } = await signUp(server)
  const { id } = await newProject({ url: server.url, token })
  await server.db.$executeRawUnsafe(`CREATE FUNCTION be_slow() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN PERFORM pg_sleep(NEW."name"::float8); RETURN NEW; END $$`)
  await server.db.$executeRawUnsafe(
    'CREATE TRIGGER "Label_slow" BEFORE INSERT ON "Label" FOR EACH ROW EXECUTE FUNCTION be_slow()',
  )
  const create = (seconds: string) => rest(server, `POST /projects/${id}/labels`, { token, body: { name: seconds } })
  expect((await create('0.3')).status).toBe(201)
  const late = await create('10')
  expect([late.status, late.body.code]).toEqual([503, 'UNAVAILABLE'])
  expect(late.body.detail).toContain('DATABASE_STATEMENT_TIMEOUT')
  expect(late.headers.get('retry-after')).toMatch(/^\d+$/)
  const query = `mutation { createLabel(projectId: "${id}", input: { name: "11" }) { id } }`
  const { errors } = await graphql(server, query, {}, { token })
  expect(errors?.[0]?.extensions.code).toBe('UNAVAILABLE')
  const { nodes } = (await rest(server, `GET /projects/${id}/labels`, { token })).body
  expect(nodes.map(({ name }: { name: string }) => name)).toEqual(['0.3'])
})
