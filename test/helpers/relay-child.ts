import { startRelay } from './relay.ts'

/** A relay, to be killed: the arguments are its data folder and the size of its files. Says its URL, and is told by how much its clock is ahead. */
let aheadMs = 0
process.on('message', (ms: number) => {
  aheadMs = ms
})
const [data = '', segmentBytes = ''] = process.argv.slice(2)
const clock = { now: () => Date.now() + aheadMs }
const { url, relay } = await startRelay({ data, clock, segmentBytes: Number(segmentBytes) })
process.send?.({ url })
setInterval(async () => {
  const { waiting, deadLetters } = await relay.status()
  process.send?.({ url, waiting, deadLetters })
}, 200)
