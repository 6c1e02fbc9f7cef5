import { defaultExclude, defineConfig } from 'vitest/config'

/** Everything runs on the embedded database, and again on PostgreSQL where there is one to use. */
const databases = process.env.TEST_DATABASE_URL ? ['embedded', 'postgres'] : ['embedded']

/** What has no database behind it, or only shows that clients made from openapi.json compile and run: once is enough. */
const WITHOUT_DATABASE = [
  'test/contract/clients.test.ts',
  'test/contract/judge.test.ts',
  'test/database/{cursor,statement-names,wire}.test.ts',
  'test/live/pulse.test.ts',
  'test/gateway/{accept,deprecation,dialect-any-schema,generic-schema,graphql-sse}.test.ts',
]

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    setupFiles: ['test/support/setup.ts'],
    // Each embedded database takes a core and some 380 MB.
    maxWorkers: 2,
    // Tests import the sources as the server does, by Node itself: Vite would resolve a second copy of graphql.
    experimental: { viteModuleRunner: false },
    testTimeout: 30_000,
    hookTimeout: 60_000,
    projects: databases.map((name) => ({
      extends: true,
      test: {
        name,
        env: { TASKWIRE_TEST_DATABASE: name },
        exclude: [...defaultExclude, ...(name === 'embedded' ? [] : WITHOUT_DATABASE)],
      },
    })),
  },
})
