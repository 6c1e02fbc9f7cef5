import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)

/** 48,000 passwords from leaks, in lower case. Imported alone: the package has more dictionaries. */
const LIST = '@zxcvbn-ts/language-common/dist/passwords.json.cjs'

/** Rows of keyboards, and what is as easy to type. */
const ROWS = [
  '1234567890',
  'qwertyuiop',
  'qwertzuiop',
  'azertyuiop',
  'asdfghjkl',
  'zxcvbnm',
  'abcdefghijklmnopqrstuvwxyz',
]

/** Characters around a common password that leave it common: a year and an exclamation mark. */
const MAX_AROUND = 6

/** Characters that stand for letters. A 1 may also be an l. */
const LETTERS: Readonly<Record<string, string>> = {
  '0': 'o',
  '1': 'i',
  '3': 'e',
  '4': 'a',
  '5': 's',
  '7': 't',
  '@': 'a',
  $: 's',
  '!': 'i',
}

/**
 * The list as one text with a line per password. A set would take ten times the memory, and a search
 * takes 0.1 ms, much less than the hash. Loaded when the first password is chosen.
 */
let list: string | undefined

function isListed(text: string): boolean {
  list ??= load()
  return list.includes(`\n${text}\n`)
}

function load(): string {
  const passwords: readonly string[] = require(LIST)
  // The list as an array would stay in memory.
  delete require.cache[require.resolve(LIST)]
  return `\n${passwords.join('\n')}\n`
}

/** Explains why a password is easy to guess, to follow "the password …". Undefined if it is not. */
export function commonPasswordProblem(password: string): string | undefined {
  const text = password.normalize('NFKC').toLowerCase()
  if (isListed(text)) return 'is one of the most common passwords'
  if (isRun(text)) return 'is a row of neighboring keys or letters'
  const unit = repeatedUnit(text)
  if (unit !== text && ([...unit].length <= 3 || isRun(unit) || isListed(unit))) return 'repeats a few characters'
  const [, before = '', core = '', after = ''] = /^([^\p{L}]*)(.*?)([^\p{L}]*)$/su.exec(text) ?? []
  const around = before.length + after.length
  const isPadding =
    around <= MAX_AROUND || [before, after].every((part) => part === '' || isListed(part) || isRun(part))
  if (around > 0 && isPadding && isWord(core)) return 'is a common password with digits or symbols around it'
  if (isWord(text)) return 'is a common password with symbols in place of letters'
  return undefined
}

/** Checks for a listed password, also one that is written like "p@ssw0rd". */
function isWord(text: string): boolean {
  if (text.length < 3) return false
  if (isListed(text)) return true
  const readable = (one: string) => LETTERS[one] ?? one
  return (
    /[0-7@$!]/.test(text) &&
    [text, text.replaceAll('1', 'l')].some((spelt) => isListed(spelt.replace(/./gsu, readable)))
  )
}

/** Checks for "abcdefghij", "0987654321", "qwertyuiop1234567890" and the like. */
function isRun(text: string): boolean {
  let rest = text
  while (rest.length >= 3) {
    const length = runLength(rest)
    if (length < 3) return false
    rest = rest.slice(length)
  }
  return rest.length === 0
}

/** Returns how many characters at the start follow each other in a row, in either direction. */
function runLength(text: string): number {
  const lengths = ROWS.flatMap((row) => [row + row, [...row, ...row].reverse().join('')]).map((row) => {
    let length = 0
    while (length < text.length && row.includes(text.slice(0, length + 1))) length++
    return length
  })
  return Math.max(...lengths)
}

/** Returns the shortest text that gives this one when repeated, the last time perhaps in part. */
function repeatedUnit(text: string): string {
  for (let length = 1; length <= text.length / 2; length++) {
    if (text.startsWith(text.slice(length))) return text.slice(0, length)
  }
  return text
}
