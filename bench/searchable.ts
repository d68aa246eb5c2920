import { startProduct } from '#test/helpers/running.ts'
import { connectSudoClient, loginInfos } from '#test/helpers/sudo-client.ts'

/** How long after Enter a typed line is found over HTTP, through the whole product; run: `npm run bench -- searchable` */
const lines = 100
const everyMs = 5

const undo: (() => unknown)[] = []
const product = await startProduct({ teardown: (run) => undo.push(run) }, { env: { BARTIZAN_LOG_LEVEL: 'error' } })
const client = await connectSudoClient(product.endpoints.sudoPort)
client.accept(loginInfos())
await client.logId()
client.io('ttyoutBuf', '$ ')

const isFound = async (text: string): Promise<boolean> =>
  ((await product.api(`/api/sessions?q=${text}`)) as { items: unknown[] }).items.length > 0

const tookMs: number[] = []
for (let n = 0; n < lines; n++) {
  const text = `marker${n}x${process.pid}`
  for (const key of `echo ${text}\r`) {
    client.io('ttyinBuf', key)
    client.io('ttyoutBuf', key === '\r' ? '\r\n$ ' : key)
  }
  const sentMs = performance.now()
  while (!(await isFound(text))) await new Promise((resolve) => setTimeout(resolve, everyMs))
  tookMs.push(performance.now() - sentMs)
}
tookMs.sort((a, b) => a - b)
const at = (share: number) => Math.round(tookMs[Math.min(lines - 1, Math.floor(lines * share))]!)
console.table({ 'Enter to found, ms': { p50: at(0.5), p90: at(0.9), p99: at(0.99), lines } })
client.exit()
await client.committed()
await product.stop()
for (const run of undo) await run()
