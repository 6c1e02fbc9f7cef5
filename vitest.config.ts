import { defineConfig } from 'vitest/config'

/** Everything runs on the embedded database, and again on PostgreSQL where there is one to use. */
const databases = process.env.TEST_DATABASE_URL ? ['embedded', 'postgres'] : ['embedded']

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    // Each embedded database takes a core and some 380 MB.
    maxWorkers: 2,
    // Tests import the sources as the server does, by Node itself: Vite would resolve a second copy of graphql.
    experimental: { viteModuleRunner: false },
    testTimeout: 30_000,
    hookTimeout: 60_000,
    projects: databases.map((name) => ({ extends: true, test: { name, env: { TASKWIRE_TEST_DATABASE: name } } })),
  },
})
