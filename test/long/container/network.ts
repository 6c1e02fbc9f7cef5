import { execFileSync } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'

/** The address of this process in the network. Also that of the name server. */
export const GATEWAY = '172.30.0.1'

const ip = (...args: string[]) => void execFileSync('ip', args)

/**
 * Creates a network like that of a compose project: each service has a network namespace and an address of its
 * own, and names are found by DNS. Must run in a network namespace where it can do as it likes.
 */
export async function createNetwork() {
  ip('link', 'set', 'lo', 'up')
  ip('link', 'add', 'name', 'compose', 'type', 'bridge')
  ip('addr', 'add', `${GATEWAY}/24`, 'dev', 'compose')
  ip('link', 'set', 'compose', 'up')
  const addresses = new Map<string, string>()
  await serveNames(addresses)
  let used = 1
  return {
    /** Gives a service a new address, as a container has that is made anew. Returns its namespace and address. */
    join(service: string) {
      const number = ++used
      const namespace = `${service}-${number}`
      const address = `172.30.0.${number}`
      ip('netns', 'add', namespace)
      ip('link', 'add', 'name', `port${number}`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace)
      ip('link', 'set', `port${number}`, 'master', 'compose', 'up')
      ip('-n', namespace, 'addr', 'add', `${address}/24`, 'dev', 'eth0')
      for (const device of ['lo', 'eth0']) ip('-n', namespace, 'link', 'set', device, 'up')
      addresses.set(service, address)
      return { network: `/run/netns/${namespace}` as const, address }
    },
  }
}

/** Answers DNS questions for the addresses of names. */
async function serveNames(addresses: ReadonlyMap<string, string>): Promise<void> {
  const socket = createSocket('udp4')
  socket.on('message', (question, { port, address }) => {
    const labels: string[] = []
    let at = 12
    for (let length = question[at] ?? 0; length > 0; length = question[at] ?? 0) {
      labels.push(question.toString('latin1', at + 1, at + 1 + length))
      at += 1 + length
    }
    const found = addresses.get(labels.join('.').toLowerCase())
    const asksForIpv4 = question.readUInt16BE(at + 1) === 1
    const header = Buffer.alloc(12)
    question.copy(header, 0, 0, 2)
    // An answer, with recursion as asked for; code 3 is "no such name".
    header.writeUInt16BE(0x8180 | (found ? 0 : 3), 2)
    header.writeUInt16BE(1, 4)
    header.writeUInt16BE(found && asksForIpv4 ? 1 : 0, 6)
    // The name of the question by reference, type A, class IN, one second to live, four bytes.
    const record = [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, ...(found ?? '').split('.').map(Number)]
    const answer = found && asksForIpv4 ? Buffer.from(record) : Buffer.alloc(0)
    socket.send(Buffer.concat([header, question.subarray(12, at + 5), answer]), port, address)
  })
  socket.bind(53, GATEWAY)
  await once(socket, 'listening')
}
