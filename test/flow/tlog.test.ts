import { spawn } from 'node:child_process'
import { appendFile, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { startProduct, untilSealed } from '#test/helpers/running.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'
import { bytes, lineOf, type Step } from '#test/hooks/tlog/messages.ts'

const limitMs = 60_000
type Listed = { items: { id: string; state: string; hook: string; user: string }[] }
type Frame = { stream: string; dataB64?: string; atMs: number }

/** Typed keys, each shown. */
const typed = (text: string): Step[] =>
  [...text].flatMap((key): Step[] => [
    { delayMs: 80, in: bytes(key) },
    { delayMs: 5, out: bytes(key) },
  ])
const enter: Step[] = [
  { delayMs: 80, in: bytes('\r') },
  { delayMs: 5, out: bytes('\r\n') },
]
const prompt: Step = { delayMs: 20, out: bytes('$ ') }

/** As tlog-rec names the recording of a process. */
const recOf = async (pid: number): Promise<string> => {
  const boot = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim().replaceAll('-', '')
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  const ticks = BigInt(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]!)
  return `${boot}-${pid.toString(16)}-${ticks.toString(16)}`
}

test('a terminal that tlog records is replayed and found by what was typed in it; the agent is killed meanwhile', async (t) => {
  t.timeout(3 * 60_000)
  const logFile = join(await temporaryFolder(t), 'tlog.log')
  const recorder = spawn('sleep', ['300'])
  t.teardown(() => recorder.kill('SIGKILL'))
  const common = { rec: await recOf(recorder.pid!), user: 'tlog-user', time: Math.floor(Date.now() / 1000) }
  const put = (steps: Step[], id: number, pos: number) =>
    appendFile(logFile, `${lineOf(steps, { ...common, id, pos, time: common.time + pos / 1000 })}\n`)
  const env = { BARTIZAN_TLOG_LOG_FILE: logFile }
  const product = await startProduct(t, { env })
  await put([{ delayMs: 0, rows: 24, cols: 80 }, prompt, ...typed('uptime'), ...enter, prompt], 1, 0)
  const sessions = async () => ((await product.api('/api/sessions?user=tlog-user')) as Listed).items
  await until(async () => (await sessions()).length === 1, { limitMs, what: 'the session' })
  const [session] = await sessions()
  t.is(session?.hook, 'tlog')

  process.kill(product.endpoints.agentPid!, 'SIGKILL') // `up` starts it again
  await put([...typed('tail needle'), ...enter, { delayMs: 5, out: Uint8Array.of(0xff, 0xfe) }], 2, 2_000)
  await until(async () => ((await product.api('/api/sessions?q=needle')) as Listed).items.length === 1, { limitMs })
  recorder.kill('SIGKILL')
  await untilSealed(product, session!.id)
  t.is(((await product.api('/api/sessions?user=tlog-user')) as Listed).items.length, 1)
  t.is(((await product.api('/api/sessions?q=needle')) as Listed).items[0]?.id, session!.id)
  const index = (await product.api(`/api/sessions/${session!.id}/replay/index.json`)) as { duration: number }
  t.true(index.duration > 2)
  const lines = (await (await product.raw(`/api/sessions/${session!.id}/export?format=ndjson`)).text())
    .trim()
    .split('\n')
  const output = lines
    .map((line) => JSON.parse(line) as Frame)
    .filter(({ stream }) => stream === 'ttyout')
    .map(({ dataB64 = '' }) => Buffer.from(dataB64, 'base64'))
  t.is(Buffer.concat(output).toString('latin1'), '$ uptime\r\n$ tail needle\r\n\xff\xfe')
  t.is(await product.stop(), 0)
})
