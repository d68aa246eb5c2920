import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { connectSudoClient, loginInfos } from '#test/helpers/sudo-client.ts'

/** Somebody at work while others flood: a line each 100 ms, and how long each takes to be told safe. */
export type Bystander = {
  /** Ends the session. `sha256`: of its output. */
  leave(): Promise<{ lagsMs: number[]; sha256: string }>
}

const everyMs = 100
const limitMs = 60_000

export const startBystander = async (port: number): Promise<Bystander> => {
  const client = await connectSudoClient(port)
  await client.greeted()
  client.accept(loginInfos({ submituser: 'bystander', runuser: 'bystander' }))
  await client.logId()
  const output = createHash('sha256')
  const lagsMs: number[] = []
  let waiting: { elapsedNs: bigint; sentMs: number }[] = []
  let line = 0

  const say = (): void => {
    const text = `bystander@bastion:~$ echo ${line++}\r\n`
    output.update(text)
    client.io('ttyoutBuf', text, BigInt(everyMs) * 1_000_000n)
    waiting.push({ elapsedNs: client.elapsedNs, sentMs: performance.now() })
  }
  client.socket.on('data', () => {
    const told = client.acknowledgedNs
    const nowMs = performance.now()
    for (const { elapsedNs, sentMs } of waiting) if (elapsedNs <= told) lagsMs.push(nowMs - sentMs)
    waiting = waiting.filter(({ elapsedNs }) => elapsedNs > told)
  })
  say()
  const timer = setInterval(say, everyMs)
  return {
    leave: async () => {
      clearInterval(timer)
      client.exit()
      await client.committed(limitMs)
      client.finishTalking()
      if (!client.socket.closed) await once(client.socket, 'close')
      return { lagsMs, sha256: output.digest('hex') }
    },
  }
}
