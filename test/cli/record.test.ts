import { execFileSync } from 'node:child_process'
import test from 'ava'
import { type Product, startProduct } from '#test/helpers/running.ts'
import { until } from '#test/helpers/until.ts'
import { recordInPty } from '#test/hooks/script/start.ts'

const isFound = (program: string): boolean => {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
const withScript = ['script', 'python3', 'bash'].every(isFound) ? test : test.skip

type Listed = { id: string; user: string; hook: string; state: string; exitCode: number | null; recorded: boolean }
type Line = { stream: string; dataB64?: string; masked?: unknown }

const bash = ['--', 'bash', '--norc', '--noprofile']
const env = { PS1: 'ready> ' }

const sessionIn = async ({ api }: Product, state: string): Promise<Listed> => {
  let found: Listed | undefined
  const look = async () => {
    const { items } = (await api('/api/sessions')) as { items: Listed[] }
    found = items.find((item) => item.state === state)
    return found !== undefined
  }
  await until(look, { limitMs: 60_000, what: `a session that is ${state}` })
  return found!
}

withScript(
  'bartizan record with everything running: found in the console, played byte for byte; kill -9 of the agent ends the shell and marks the session (skipped without script, python3, bash)',
  async (t) => {
    const product = await startProduct(t, { env: { BARTIZAN_SUDO_RESUME_GRACE_MS: '300' } })
    const at = { data: product.data, port: 0 }
    const secret = 'correct-horse-7'
    const { output, exitCode } = await recordInPty(
      at,
      bash,
      [
        { waitFor: 'ready> ' },
        { typed: 'read -s -p "Secret: " x; echo seen\r' },
        { waitFor: 'echo seen' },
        { waitFor: 'Secret: ' },
        { typed: `${secret}\r` },
        { waitFor: 'seen' },
        { waitFor: 'ready> ' },
        { typed: 'exit 9\r' },
      ],
      { env },
    )
    t.is(exitCode, 9)
    const session = await sessionIn(product, 'complete')
    t.like(session, { hook: 'script', exitCode: 9, recorded: true })
    let [exported, lines, shown]: [string, Line[], Buffer] = ['', [], Buffer.alloc(0)]
    const isWhole = async () => {
      exported = await (await product.raw(`/api/sessions/${session.id}/export?format=ndjson`)).text()
      lines = exported
        .trimEnd()
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as Line)
      const outputs = lines.filter(({ stream }) => stream === 'ttyout')
      shown = Buffer.concat(outputs.map(({ dataB64 }) => Buffer.from(dataB64!, 'base64')))
      return shown.length >= output.length
    }
    await until(isWhole, { limitMs: 60_000, what: 'the evidence is sealed' })
    t.deepEqual(shown, output)
    t.false(exported.includes(Buffer.from(secret).toString('base64').slice(0, -4)))
    t.true(lines.some(({ stream, masked }) => stream === 'ttyin' && masked))

    const killAgent = ['kill', '-9', String(product.endpoints.agentPid)]
    const cut = await recordInPty(at, bash, [{ waitFor: 'ready> ' }, { run: killAgent }], { env })
    t.is(cut.exitCode, 128 + 9)
    t.regex(cut.output.toString(), /went away; the session ends because it is not recorded any more/)
    t.false(cut.raw)
    const truncated = await sessionIn(product, 'truncated')
    t.like(truncated, { hook: 'script', exitCode: null })
    t.is(await product.stop(), 0)
  },
)
