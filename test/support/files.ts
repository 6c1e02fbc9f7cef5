import { readdirSync } from 'node:fs'

/** Files as values of test variables: both protocols send them as forms. */

export const textFile = (text = 'Some notes', name = 'notes.txt', type = 'text/plain') =>
  new File([text], name, { type })

/** Returns the body of a GraphQL request: a form if a variable is a file. */
export function graphqlBody(query: string, variables: Record<string, unknown>): FormData | string {
  const files = Object.entries(variables).filter(([, value]) => value instanceof File) as [string, File][]
  if (files.length === 0) return JSON.stringify({ query, variables })
  const without = Object.fromEntries(files.map(([name]) => [name, null]))
  const form = new FormData()
  form.append('operations', JSON.stringify({ query, variables: { ...variables, ...without } }))
  form.append('map', JSON.stringify(Object.fromEntries(files.map(([name], index) => [index, [`variables.${name}`]]))))
  for (const [index, [, file]] of files.entries()) form.append(String(index), file)
  return form
}

/** Returns the body of a REST request with a file: a form to POST, its bytes to PUT. */
export function restFile(method: string, file: File): { body: FormData | File; headers: Record<string, string> } {
  if (method === 'PUT') {
    const name = `attachment; filename*=UTF-8''${encodeURIComponent(file.name)}`
    return { body: file, headers: { 'content-type': file.type, 'content-disposition': name } }
  }
  const body = new FormData()
  body.append('file', file)
  return { body, headers: {} }
}

/** Returns the names of the files in the storage of a server. */
export function storedFiles({ config }: { config: { DATA_DIR: string } }): string[] {
  return readdirSync(`${config.DATA_DIR}/attachments`, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => name)
}
