#!/usr/bin/env node

const NEEDED = [22, 18] as const
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
// An older Node lacks what the following modules import.
if (major < NEEDED[0] || (major === NEEDED[0] && minor < NEEDED[1])) {
  console.error(`Taskwire needs Node ${NEEDED.join('.')} or later, and this is ${process.versions.node}.`)
  process.exit(1)
}
await import('./app/compile-cache.ts')

/** `taskwire COMMAND`. A command is a file that runs when it is loaded, and reads its own arguments. */
interface Command {
  about: string
  run(): Promise<unknown>
}

const COMMANDS: Readonly<Record<string, Command>> = {
  serve: { about: 'start the server', run: () => import('./app/run.ts') },
  backup: { about: 'write a backup to FILE, also while serving', run: () => import('./app/backup.ts') },
  restore: { about: 'restore a backup from FILE into an empty database', run: () => import('./app/restore.ts') },
  doctor: { about: 'check the set-up and say what to fix', run: () => import('./app/doctor.ts') },
  migrate: { about: 'bring the database up to date, without serving', run: () => import('./app/migrate.ts') },
}

const [name = 'help'] = process.argv.slice(2)
const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined

if (command) await run(command)
else help()

async function run({ run }: Command): Promise<void> {
  try {
    await run()
  } catch (error) {
    // Configuration errors and those of the system say what to do; a stack trace does not help.
    const { name: type, code, message } = error as NodeJS.ErrnoException
    console.error(type === 'ConfigError' || code !== undefined ? message : error)
    process.exitCode = 1
  }
}

function help(): void {
  const asked = ['help', '--help', '-h'].includes(name)
  const print = asked ? console.log : console.error
  if (!asked) print(`There is no command ${JSON.stringify(name)}.\n`)
  print('Usage: taskwire COMMAND\n')
  for (const [one, { about }] of Object.entries(COMMANDS)) print(`  ${one.padEnd(10)} ${about}`)
  print('\nSettings are environment variables. Without DATABASE_URL, everything is kept in ./data.')
  process.exitCode = asked ? 0 : 1
}
