export interface Instruction {
  name: string
  /** Options such as `--from=build`, by name. */
  flags: Readonly<Record<string, string>>
  /** The rest of the instruction on one line. */
  text: string
}

export interface Stage {
  /** What FROM names: an image, or an earlier stage. */
  base: string
  name: string
  steps: Instruction[]
}

/** Reads a Dockerfile: comments, continued lines, options, stages. Build arguments and here-documents are not supported. */
export function parseDockerfile(source: string): Stage[] {
  const stages: Stage[] = []
  for (const { name, flags, text } of instructions(source)) {
    if (name === 'FROM') {
      const [, base, alias] = /^(\S+)(?: AS (\S+))?$/i.exec(text) ?? []
      if (base === undefined) throw new Error(`Cannot read: FROM ${text}`)
      stages.push({ base, name: alias ?? String(stages.length), steps: [] })
      continue
    }
    const stage = stages.at(-1)
    if (!stage) throw new Error(`${name} stands before the first FROM`)
    stage.steps.push({ name, flags, text })
  }
  return stages
}

function instructions(source: string): Instruction[] {
  const lines = source.split('\n').filter((line) => line.trim() !== '' && !line.trimStart().startsWith('#'))
  return lines
    .join('\n')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .map((line) => {
      const [, name = '', rest = ''] = /^([A-Z]+)\s+(.*)$/.exec(line.trim()) ?? []
      if (name === '') throw new Error(`Cannot read: ${line}`)
      if (rest.includes('<<')) throw new Error(`Here-documents are not supported: ${line}`)
      const [, options = '', text = ''] = /^((?:--[\w-]+=\S+\s+)*)(.*)$/.exec(rest) ?? []
      const flags = [...options.matchAll(/--([\w-]+)=(\S+)/g)].map(([, key = '', value = '']) => [key, value])
      return { name, flags: Object.fromEntries(flags), text }
    })
}

/** Reads `A=1 B=2`, without quotes. */
export function parseEnv(text: string): Record<string, string> {
  const pairs = text.split(/\s+/).map((pair) => {
    const at = pair.indexOf('=')
    if (at < 1 || /["'$\\]/.test(pair)) throw new Error(`Cannot read: ENV ${text}`)
    return [pair.slice(0, at), pair.slice(at + 1)]
  })
  return Object.fromEntries(pairs)
}

/** Reads the JSON form of CMD. The other form runs a shell as process 1, which does not pass SIGTERM on. */
export function parseCommand(text: string): string[] {
  if (!text.startsWith('[')) throw new Error(`Use the JSON form: ${text}`)
  return JSON.parse(text)
}

/** Returns a function that tells if .dockerignore keeps a path out of the build. The last matching line decides. */
export function readIgnore(source: string): (path: string) => boolean {
  const rules = source
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => ({ keeps: line.startsWith('!'), pattern: patternOf(line.replace(/^!/, '')) }))
  return (path) => rules.findLast(({ pattern }) => pattern.test(path))?.keeps === false
}

/** A pattern matches a path and everything below it. */
function patternOf(line: string): RegExp {
  const glob = line.replace(/^\/|\/$/g, '').replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
  const source = glob.replaceAll(/\*\*\/?|\*|\?/g, (wildcard) =>
    wildcard.startsWith('**') ? '(?:.*/)?' : wildcard === '*' ? '[^/]*' : '[^/]',
  )
  return new RegExp(`^${source}(?:/.*)?$`)
}
