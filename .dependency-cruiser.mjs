/**
 * Who may import whom. `import type` counts like any other import.
 * Run `npx depcruise src test tools bench prisma examples`; CONTRIBUTING.md explains the folders.
 */

const errors = 'src/gateway/errors.ts'

/** For each folder: what it may import from outside itself. Packages are always allowed. */
const layers = {
  'src/gateway': [],
  'src/database': [errors, 'src/generated'],
  'src/auth': [errors, 'src/generated'],
  'src/events': [errors, 'src/generated', 'src/database'],
  'src/outbound': [],
  'src/settings': ['src/outbound'],
  'src/request': ['src/gateway', 'src/generated', 'src/database', 'src/auth', 'src/events', 'src/outbound'],
  'src/schema': [
    errors,
    'src/generated',
    'src/database',
    'src/auth',
    'src/request',
    'src/gateway/operation.ts',
    'src/gateway/pothos-plugin.ts',
    'src/gateway/streamed-body.ts',
    'src/gateway/uploads/upload.ts',
    'src/gateway/validation.ts',
  ],
  'src/modules': [
    errors,
    'src/generated',
    'src/database',
    'src/auth',
    'src/events',
    'src/outbound',
    'src/request',
    'src/schema',
  ],
  src: [],
  prisma: ['src'],
  tools: ['src', 'prisma'],
  bench: ['src', 'prisma', 'test/support'],
  'test/support': ['src', 'prisma'],
  'test/long': ['src', 'prisma', 'test/support'],
  test: ['src', 'prisma', 'tools'],
  examples: ['src/gateway/library/exports.ts', 'test/support'],
}

const startsWith = (path) => `^${path.replaceAll('.', '\\.')}${path.endsWith('.ts') ? '$' : '/'}`

const layerRules = Object.entries(layers).map(([folder, allowed]) => ({
  name: `${folder} imports only what its layer may`,
  comment: `Allowed: ${[folder, ...allowed].join(', ')}. Move the code, or pass in what it needs.`,
  severity: 'error',
  from: { path: startsWith(folder) },
  to: { path: '^(src|prisma|tools|bench|test|examples)/', pathNot: [folder, ...allowed].map(startsWith) },
}))

const moduleRules = [
  {
    name: 'a module uses another only through its services, policy, loader, filter or types',
    severity: 'error',
    from: { path: '^src/modules/([^/]+)/' },
    to: {
      path: '^src/modules/',
      pathNot: ['^src/modules/$1/', '^src/modules/[^/]+/filter/', '[/-](service|policy|loader|schema|type)\\.ts$'],
    },
  },
  {
    name: 'only schema.ts and type.ts use the GraphQL types of another module',
    severity: 'error',
    from: { path: '^src/modules/([^/]+)/', pathNot: '/(schema|type)\\.ts$' },
    to: { path: '^src/modules/.+/(schema|type)\\.ts$', pathNot: '^src/modules/$1/' },
  },
]

/**
 * Files that are started or loaded by their path: the server, its workers, the schema of each module
 * and the exports of the package.
 */
const entryPoints = '^src/(main|.+-worker|modules/[^/]+/schema|gateway/library/exports|cli)\\.ts$'

const generalRules = [
  {
    name: 'no circle',
    comment: 'Move what both need into a third file, or pass it in.',
    severity: 'error',
    from: {},
    to: { circular: true },
  },
  {
    name: 'request holds types',
    comment: 'The gateway comes into src/request as `import type`; only its error class is a value.',
    severity: 'error',
    from: { path: startsWith('src/request') },
    to: { path: startsWith('src/gateway'), pathNot: startsWith(errors), dependencyTypesNot: ['type-only'] },
  },
  {
    name: 'no barrel',
    comment: 'Import the file that declares the name.',
    severity: 'error',
    from: {},
    to: { path: '/index\\.ts$', pathNot: 'node_modules' },
  },
  {
    name: 'no dead file',
    comment:
      'The server, its workers and its modules do not reach this file. Delete it, or move it to where it is used.',
    severity: 'error',
    from: { path: entryPoints },
    to: {
      path: '^src/.+\\.ts$',
      pathNot: '^src/(generated/|(main|.+-worker|modules/[^/]+/schema|gateway/library/exports|cli)\\.ts$)',
      reachable: false,
    },
  },
  {
    name: 'no unresolved import',
    comment:
      'Run npm install, or npx prisma generate for src/generated. bench/speed has packages of its own, and the server gives lit to the pages.',
    severity: 'error',
    from: { pathNot: '^(bench/speed|src/app/pages/client)/' },
    to: { couldNotResolve: true },
  },
]

export default {
  forbidden: [...layerRules, ...moduleRules, ...generalRules],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
    doNotFollow: { path: ['node_modules', '^src/generated/'] },
    exclude: { path: '^test/contract/clients/' },
  },
}
