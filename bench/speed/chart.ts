/** Draws the ratios as an SVG bar chart for the documentation. */
import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Summary } from './results.ts'

const FILE = fileURLToPath(new URL('../../docs/bench.svg', import.meta.url))

const WIDTH = 720
const LABELS = 190
const VALUES = 60
const BAR = 16
const GAP = 4
const HEADING = 34

const STYLE = `
  text { font: 12px system-ui, sans-serif; fill: #1f2328 }
  .title { font-weight: 600 }
  .bar { fill: #1d76db }
  .slower { fill: #b35900 }
  .even { stroke: #1f2328; stroke-dasharray: 3 3 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .bar { fill: #58a6ff }
    .slower { fill: #f0a04b }
    .even { stroke: #e6edf3 }
  }`

/**
 * Writes docs/bench.svg: for each work item, how many times the requests of each peer Taskwire
 * answers.
 */
export async function writeChart(summaries: readonly Summary[]): Promise<string> {
  await writeFile(FILE, chart(summaries))
  return FILE
}

export function chart(summaries: readonly Summary[]): string {
  const compared = summaries.filter(({ ratios }) => Object.keys(ratios).length > 0)
  const longest = Math.max(1, ...compared.flatMap(({ ratios }) => Object.values(ratios)))
  const scale = (WIDTH - LABELS - VALUES) / longest
  const parts: string[] = []
  let y = HEADING
  for (const { item, protocol, connections, ratios } of compared) {
    parts.push(text(0, y + BAR - GAP, `${item} (${protocol}, ${connections} connections)`, 'title'))
    y += BAR + GAP
    for (const [peer, ratio] of Object.entries(ratios)) {
      const width = (ratio * scale).toFixed(1)
      parts.push(
        text(12, y + BAR - GAP, peer),
        `<rect class="${ratio < 1 ? 'slower' : 'bar'}" x="${LABELS}" y="${y}" width="${width}" height="${BAR}" rx="2"/>`,
        text(LABELS + ratio * scale + 6, y + BAR - GAP, `${ratio.toFixed(2)} ×`),
      )
      y += BAR + GAP
    }
    y += 2 * GAP
  }
  const even = (LABELS + scale).toFixed(1)
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y}" width="${WIDTH}" height="${y}" role="img" aria-label="Requests per second of Taskwire divided by those of other servers">
<style>${STYLE}
</style>
${text(0, 16, 'Requests per second: Taskwire divided by …')}
<line class="even" x1="${even}" x2="${even}" y1="${HEADING - GAP}" y2="${y - 2 * GAP}"/>
${parts.join('\n')}
</svg>
`
}

function text(x: number, y: number, content: string, style?: string): string {
  return `<text${style ? ` class="${style}"` : ''} x="${x.toFixed(1)}" y="${y}">${content}</text>`
}
