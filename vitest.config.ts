import { defineConfig } from 'vitest/config'

/** Folders whose tests exercise SQL or the driver: they run on both databases. */
const ON_BOTH_DATABASES = ['test/database', 'test/live', 'test/modules']

/** Without a PostgreSQL the embedded database runs everything; with one, PostgreSQL does. */
const projects = process.env.TEST_DATABASE_URL
  ? [
      { name: 'embedded', folders: ON_BOTH_DATABASES },
      { name: 'postgres', folders: ['test'] },
    ]
  : [{ name: 'embedded', folders: ['test'] }]

export default defineConfig({
  test: {
    globalSetup: ['test/support/global-setup.ts'],
    setupFiles: ['test/support/setup.ts'],
    pool: 'forks',
    // The files of a worker share its modules, and with them a server: see test/support/server.ts.
    isolate: false,
    // For two cores: many tests wait. Each embedded database takes some 380 MB.
    maxWorkers: 3,
    // Tests import the sources as the server does, by Node itself: Vite would resolve a second copy of graphql.
    experimental: { viteModuleRunner: false },
    // Generous, as a busy machine is slow: nothing waits for these to pass.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    projects: projects.map(({ name, folders }) => ({
      extends: true,
      test: {
        name,
        env: { TASKWIRE_TEST_DATABASE: name },
        include: folders.map((folder) => `${folder}/**/*.test.ts`),
      },
    })),
  },
})
