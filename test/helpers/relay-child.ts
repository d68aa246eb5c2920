import { startRelay } from './relay.ts'

/** A relay, to be killed: the argument is its data folder. Says its URL, and is told by how much its clock is ahead. */
let aheadMs = 0
process.on('message', (ms: number) => {
  aheadMs = ms
})
const [data = ''] = process.argv.slice(2)
const { url, relay } = await startRelay({ data, clock: { now: () => Date.now() + aheadMs }, segmentBytes: 256 * 1024 })
process.send?.({ url })
setInterval(async () => {
  const { waiting, deadLetters } = await relay.status()
  process.send?.({ url, waiting, deadLetters })
}, 200)
