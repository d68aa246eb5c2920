import { spawn } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { freePort } from '#test/helpers/free-port.ts'
import { realTest } from '#test/helpers/real.ts'
import { bartizan, type Product, startProduct, untilSealed } from '#test/helpers/running.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'

const limitMs = 60_000
const pty = fileURLToPath(new URL('../hooks/script/in-pty.py', import.meta.url))
const secret = 'hunter2-and-more'

type Listed = { items: { id: string; hook: string; user: string; exitCode: number | null }[] }
type Frame = {
  stream: string
  dataB64?: string
  masked?: { length: number }
}

const start = async (t: ExecutionContext<unknown>) => {
  const folder = await temporaryFolder(t)
  const env = { BARTIZAN_ASCIINEMA_LIVE_PORT: String(await freePort()), BARTIZAN_INGEST_BLOCK_MAX_MS: '300' }
  const product = await startProduct(t, { env })
  const created = bartizan(['live', 'create', '--user', 'alice'], { BARTIZAN_DATA: product.data, ...env })
  t.is(await created.exited, 0)
  const home = { HOME: folder, PATH: process.env.PATH, LANG: 'C.UTF-8', SHELL: '/bin/sh' }
  return { product, folder, url: created.output().trim(), home }
}
const sessions = async (product: Product) => ((await product.api('/api/sessions?user=alice')) as Listed).items
const framesOf = async (product: Product, id: string): Promise<{ frames: Frame[]; text: string }> => {
  const text = await (await product.raw(`/api/sessions/${id}/export?format=ndjson`)).text()
  return {
    text,
    frames: text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Frame),
  }
}
const bytesOf = (frames: readonly Frame[], stream: string): Buffer =>
  Buffer.concat(
    frames.filter((frame) => frame.stream === stream).map(({ dataB64 = '' }) => Buffer.from(dataB64, 'base64')),
  )
const exitOf = (child: ReturnType<typeof spawn>) => new Promise((resolve) => child.once('close', resolve))

realTest(
  test,
  ['asciinema'],
  'what asciinema streams is what it writes into a file, to the byte, with its exit code',
  async (t) => {
    t.timeout(3 * 60_000)
    const { product, folder, url, home } = await start(t)
    const [file, go, log] = [join(folder, 'own.cast'), join(folder, 'go'), join(folder, 'refused.log')]
    const command = `while [ ! -e ${go} ]; do sleep 0.1; done; printf 'h\\303\\251llo \\377 \\360\\237\\217\\260\\n'; seq 1 3000; exit 5`
    const headless = ['--headless', '--window-size', '80x24', '-I']
    const args = ['session', ...headless, '--return', '-o', file, '-r', url, '-c', command]
    const client = spawn('asciinema', args, { env: home, stdio: 'ignore' })
    const exit = exitOf(client)
    const wrong = [
      'stream',
      ...headless,
      '--log-file',
      log,
      '-r',
      `${url.slice(0, -43)}${'A'.repeat(43)}`,
      '-c',
      'sleep 1',
    ]
    const refused = exitOf(spawn('asciinema', wrong, { env: home, stdio: 'ignore' }))
    await until(async () => (await sessions(product)).length === 1, { limitMs, what: 'the session' })
    await writeFile(go, '')
    t.is(await exit, 5)
    const [session] = await sessions(product)
    await untilSealed(product, session!.id)
    t.like((await sessions(product))[0], { hook: 'asciinema', user: 'alice', exitCode: 5 })
    const lines = (await readFile(file, 'utf8')).trim().split('\n').slice(1)
    const written = lines.map((line) => JSON.parse(line) as [number, string, string]).filter(([, code]) => code === 'o')
    const { frames } = await framesOf(product, session!.id)
    const output = bytesOf(frames, 'ttyout').toString()
    t.is(output, written.map(([, , data]) => data).join(''))
    t.true(output.includes('h\u00e9llo \ufffd \u{1f3f0}') && output.endsWith('3000\r\n'))
    await refused
    t.regex(await readFile(log, 'utf8'), /401/)
    t.is((await sessions(product)).length, 1)
  },
)

realTest(
  test,
  ['asciinema', 'python3', 'bash'],
  'a typed secret is masked, and a killed agent is followed by one that goes on with the stream',
  async (t) => {
    t.timeout(4 * 60_000)
    const { product, folder, url, home } = await start(t)
    const [killed, back] = [join(folder, 'killed'), join(folder, 'back')]
    const untilThere = (file: string) => ({ run: ['sh', '-c', `until [ -e '${file}' ]; do sleep 0.1; done`] })
    const begun = join(folder, 'begun')
    const steps = [
      { waitFor: '$ ' },
      untilThere(begun),
      { typed: 'echo $((40+2))\r' },
      { waitFor: '42' },
      { typed: 'read -s -p "Pass""word: " X; echo got $(expr length "$X")\r' },
      { waitFor: 'Password: ' },
      { typed: `${secret}\r` },
      { waitFor: `got ${secret.length}` },
      untilThere(killed),
      { typed: 'echo away-$((1+1))\r' },
      { waitFor: 'away-2' },
      untilThere(back),
      { typed: 'echo after-$((1+1))\r' },
      { waitFor: 'after-2' },
      { typed: 'exit 3\r' },
    ]
    const limited = ['timeout', '--foreground', '--kill-after=1', '180']
    const argv = [...limited, 'asciinema', 'stream', '-I', '--return', '-r', url, '-c', 'bash --norc --noprofile -i']
    const driven = spawn('python3', [pty], { stdio: ['pipe', 'pipe', 'inherit'] })
    t.teardown(() => driven.kill('SIGKILL'))
    driven.stdin.end(JSON.stringify({ argv, env: { ...home, TERM: 'linux', PS1: '$ ' }, steps }))
    let said = ''
    driven.stdout.on('data', (data: Buffer) => {
      said += data
    })
    const exit = exitOf(driven)
    await until(async () => (await sessions(product)).length === 1, { limitMs, what: 'the session' })
    const [{ id } = { id: '' }] = await sessions(product)
    await writeFile(begun, '')
    const shows = (text: string) => async () => bytesOf((await framesOf(product, id)).frames, 'ttyout').includes(text)
    await until(shows(`got ${secret.length}`), { limitMs, what: 'the secret' })
    process.kill(product.endpoints.agentPid!, 'SIGKILL') // `up` starts it again
    await writeFile(killed, '')
    await until(shows('away-2'), { limitMs, what: 'the stream goes on' })
    await writeFile(back, '')
    t.is(await exit, 0)
    t.is((JSON.parse(said) as { exitCode: number }).exitCode, 3)
    await untilSealed(product, id)
    t.like(
      (await sessions(product)).map(({ id, exitCode }) => ({ id, exitCode })),
      [{ id, exitCode: 3 }],
    )
    const { frames, text } = await framesOf(product, id)
    const output = bytesOf(frames, 'ttyout').toString()
    const places = ['42', `got ${secret.length}`, '\x1bc', 'away-2', 'after-2'].map((part) => output.indexOf(part))
    t.deepEqual(
      places,
      places.toSorted((a, b) => a - b),
    )
    t.true(places[0]! >= 0)
    t.regex(bytesOf(frames, 'ttyin').toString(), /^echo \$\(\(40\+2\)\)\r.*echo after-\$\(\(1\+1\)\)\rexit 3\r$/s)
    t.is(
      frames.reduce((sum, { masked }) => sum + (masked?.length ?? 0), 0),
      secret.length,
    )
    t.false(text.includes(secret) || text.includes(Buffer.from(secret).toString('base64').slice(0, 12)))
    t.regex(
      bytesOf(frames, 'marker').toString(),
      /"agent_restart".*what is not recorded of events \d+ to \d+ never came/,
    )
  },
)
