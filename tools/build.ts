/**
 * Builds the package into dist: JavaScript of src, type declarations of the gateway, and the files
 * that the server reads beside its code. `npm pack` runs it. Pass another folder to build there.
 */
import { spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, existsSync, globSync, mkdirSync, rmSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'

const ROOT = resolve(import.meta.dirname, '..')
const target = resolve(process.argv[2] ?? join(ROOT, 'dist'))
process.chdir(ROOT)

rmSync(target, { recursive: true, force: true })
if (!existsSync('src/generated')) run('prisma', ['generate'])
run('tsc', ['-p', 'tsconfig.build.json', '--outDir', target])
// Only the gateway is imported by others. Its declarations need nothing of the application.
const types = ['--declaration', '--emitDeclarationOnly', '--rewriteRelativeImportExtensions', '--noEmit', 'false']
const settings = [
  '--rootDir',
  'src',
  '--outDir',
  target,
  '--target',
  'esnext',
  '--module',
  'nodenext',
  '--skipLibCheck',
]
const modern = ['--lib', 'esnext,dom', '--types', 'node', '--strict', '--ignoreConfig', '--erasableSyntaxOnly']
run('tsc', [...types, ...settings, ...modern, 'src/gateway/library/exports.ts'])
for (const path of globSync('src/**/*', { exclude: ['**/*.ts', 'src/generated'] })) {
  if (!/\.\w+$/.test(path)) continue
  const copy = join(target, relative('src', path))
  if (existsSync(copy)) throw new Error(`Rename ${path}: a module is compiled to the same name`)
  mkdirSync(dirname(copy), { recursive: true })
  copyFileSync(path, copy)
}
// The page /redoc needs only the bundle of this package.
for (const file of ['redoc.standalone.js', 'redoc.standalone.js.LICENSE.txt'])
  copyFileSync(join('node_modules/redoc/bundles', file), join(target, 'gateway/docs', file))
copyFileSync('node_modules/redoc/LICENSE', join(target, 'gateway/docs/redoc.LICENSE'))
chmodSync(join(target, 'cli.js'), 0o755)

function run(program: string, args: string[]): void {
  const { status, error } = spawnSync(join(ROOT, 'node_modules/.bin', program), args, { stdio: 'inherit' })
  if (error) throw error
  if (status !== 0) throw new Error(`${program} failed`)
}
