import type { FileRow } from '../row.ts'
import { foreignRow, type Json, listOf, textOf } from './foreign.ts'
import { readJson } from './json.ts'

/**
 * Reads issues of GitHub: an array as its REST API sends it, or as `gh issue list --json` prints it.
 * Pull requests, which the API lists among issues, are skipped.
 */
export async function* readGithub(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<FileRow> {
  let line = 0
  for await (const { value } of readJson(chunks, ['$.*'])) yield toRow(++line, value)
}

function toRow(line: number, issue: Json): FileRow {
  if (issue.pull_request) return { line, values: {}, skipped: 'is a pull request' }
  const isClosed = textOf(issue.state).toLowerCase() === 'closed'
  const reason = textOf(issue.state_reason ?? issue.stateReason).toLowerCase()
  const status = isClosed ? (reason === 'not_planned' ? 'CANCELLED' : 'COMPLETED') : 'PENDING'
  const labels = Array.isArray(issue.labels) ? issue.labels : []
  return foreignRow({
    line,
    source: 'github',
    id: textOf(issue.html_url) || textOf(issue.url) || String(issue.number ?? ''),
    title: textOf(issue.title),
    description: textOf(issue.body),
    status,
    completedAt: textOf(issue.closed_at ?? issue.closedAt),
    labels: labels.map((label: unknown) => textOf((label as Json | null)?.name ?? label)),
    warnings: listOf(issue.assignees).map(
      ({ login }) => `assignees: ${JSON.stringify(textOf(login).slice(0, 50))} has no e-mail address in the file`,
    ),
  })
}
