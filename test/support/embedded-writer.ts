/** Child process that writes projects into an embedded database and prints each committed key. */
import { openDatabase } from '../../src/database/client.ts'

const [, , dataDir = '', most = 'Infinity'] = process.argv
const { db } = await openDatabase({ dataDir })
const run = Date.now().toString(36).slice(-4).toUpperCase()
for (let index = 0; index < Number(most); index++) {
  const key = `W${run}${index.toString(36).toUpperCase()}`
  await db.project.create({ data: { key, name: 'x' } })
  console.log(key)
}
