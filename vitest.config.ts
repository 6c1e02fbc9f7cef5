import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Folders whose tests exercise SQL or the driver: they run on both databases. */
const ON_BOTH_DATABASES = ['test/database', 'test/live', 'test/modules']

/** Without a PostgreSQL the embedded database runs everything; with one, PostgreSQL does. */
const projects = process.env.TEST_DATABASE_URL
  ? [
      { name: 'embedded', folders: ON_BOTH_DATABASES },
      { name: 'postgres', folders: ['test', 'examples'] },
    ]
  : [{ name: 'embedded', folders: ['test', 'examples'] }]

/** Small files with long tests. */
const LONG = /(killed-server|soak|removals|fuzz|embedded|browser\/\w+)\.test\.ts$/

/**
 * Starts long files first, so that no worker is left with one at the end. Vitest does so once it has
 * seen how long they take, and orders by size before.
 */
class LongFilesFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const projects = Map.groupBy(await super.sort(files), ({ project }) => project)
    return [...projects.values()].flatMap((own) => {
      const isLong = ({ moduleId }: TestSpecification) => LONG.test(moduleId)
      return [...own.filter(isLong), ...own.filter((file) => !isLong(file))]
    })
  }
}

export default defineConfig({
  test: {
    globalSetup: ['test/support/global-setup.ts'],
    setupFiles: ['test/support/setup.ts'],
    pool: 'forks',
    // The files of a worker share its modules, and with them a server: see test/support/server.ts.
    isolate: false,
    // For two cores: many tests wait. Each embedded database takes some 250 MB.
    maxWorkers: 4,
    sequence: { sequencer: LongFilesFirst },
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
