/** The command line of `npm run bench`. */
import { parseArgs } from 'node:util'
import { PEERS, type Server } from './servers.ts'
import { WORK, type WorkItem } from './work.ts'

export interface Options {
  items: WorkItem[]
  peers: Server[]
  rows: number
  rounds: number
  seconds: number
  connections: number[]
  chart: boolean
  /** A server on which databases can be created. */
  postgres: string
}

export function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      peers: { type: 'string' },
      rows: { type: 'string', default: '100000' },
      rounds: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '5' },
      connections: { type: 'string', default: '32' },
      chart: { type: 'boolean', default: false },
    },
  })
  return {
    items: chosen(WORK, values.only),
    peers: chosen(PEERS, values.peers),
    rows: number(values.rows),
    rounds: number(values.rounds),
    seconds: number(values.seconds),
    connections: values.connections.split(',').map(number),
    chart: values.chart,
    postgres: process.env.TEST_DATABASE_URL ?? 'postgres://postgres@127.0.0.1:5432/postgres',
  }
}

function chosen<Named extends { name: string }>(all: readonly Named[], names: string | undefined): Named[] {
  if (names === undefined) return [...all]
  return names.split(',').map((name) => {
    const found = all.find((one) => one.name === name)
    if (!found) throw new Error(`Unknown name "${name}". Choose from: ${all.map((one) => one.name).join(', ')}.`)
    return found
  })
}

function number(text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1) throw new Error(`"${text}" is not a positive number.`)
  return value
}
