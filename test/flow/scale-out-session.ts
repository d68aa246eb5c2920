/** Run where README's commands have run: records one session through the agent, and waits until the console has it. */
import { readFile } from 'node:fs/promises'
import { seededRandom } from '#test/helpers/seeded-random.ts'
import { startStream, totalBytes } from '#test/helpers/streams.ts'
import { until } from '#test/helpers/until.ts'

const [folder] = process.argv.slice(2) as [string]
const headers = { authorization: `Bearer ${(await readFile(`${folder}/data/owner.token`, 'utf8')).trim()}` }
let stream: Awaited<ReturnType<typeof startStream>> | undefined
await until(
  async () => {
    stream = await startStream(30_343, 'alice', seededRandom(1)).catch(() => undefined)
    return stream !== undefined
  },
  { limitMs: 60_000, everyMs: 500, what: 'the agent' },
)
await until(() => totalBytes(stream!.sent) > 50_000, { limitMs: 30_000 })
await stream!.stop()
stream!.client.exit()
await stream!.client.committed()
const url = `http://127.0.0.1:8080/api/sessions/${stream!.logId}`
await until(
  async () => {
    const response = await fetch(url, { headers })
    if (!response.ok) return false
    const { state, evidence } = (await response.json()) as { state: string; evidence: string }
    return state === 'complete' && evidence === 'sealed'
  },
  { limitMs: 60_000, everyMs: 250, what: 'the sealed session' },
)
const lines = (await (await fetch(`${url}/export?format=ndjson`, { headers })).text()).trim().split('\n')
const bytes = lines
  .map((line) => JSON.parse(line) as { stream: string; dataB64: string })
  .filter((line) => line.stream === 'ttyout')
  .reduce((sum, { dataB64 }) => sum + Buffer.from(dataB64, 'base64').byteLength, 0)
process.stdout.write(`recorded ${bytes} of ${totalBytes(stream!.sent)}\n`)
