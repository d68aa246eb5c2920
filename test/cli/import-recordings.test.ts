import { cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import test, { type ExecutionContext } from 'ava'
import type { Session } from '#services/schema/session.ts'
import { bytesOf, exported, sessionsOf } from '#test/helpers/recorded.ts'
import { bartizan, type Product, startProduct, untilSealed } from '#test/helpers/running.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'

const fixture = (name: string): string => new URL(`../fixtures/${name}`, import.meta.url).pathname
const iolog = fixture('sudo/iolog')
const limitMs = 60_000

type Imported = {
  files: number
  sessions: number
  unchanged: number
  events: Record<string, number>
  incomplete: { file: string; reason: string }[]
  rejected: { file: string; line: number; reason: string }[]
}
const importing = (product: Product, args: string[]) =>
  bartizan(['import', '--bastion', 'old-bastion', '--json', ...args], { BARTIZAN_DATA: product.data })
const imported = async (t: ExecutionContext, product: Product, args: string[], code = 0): Promise<Imported> => {
  const run = importing(product, args)
  t.is(await run.exited, code, run.output())
  return JSON.parse(run.output()) as Imported
}
const onlySession = async (product: Product, query: string): Promise<Session> => {
  let found: Session[] = []
  await until(
    async () => {
      found = await sessionsOf(product, `bastion=old-bastion&${query}`)
      return found.length > 0
    },
    { limitMs, what: query },
  )
  await untilSealed(product, found[0]!.id)
  return onlyOf(await sessionsOf(product, `bastion=old-bastion&${query}`))
}
const onlyOf = (sessions: Session[]): Session => {
  if (sessions.length === 1) return sessions[0]!
  throw new Error(`${sessions.length} sessions`)
}

const textOf = (cast: string, code: string): string =>
  cast
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => JSON.parse(line) as [number, string, string])
    .filter(([, kind]) => kind === code)
    .map(([, , data]) => data)
    .join('')

/** What ttyrec kept, by an own small reader. */
const ttyrecBytes = (file: Buffer): Buffer => {
  const frames: Buffer[] = []
  for (let at = 0; at < file.length; at += 12 + file.readUInt32LE(at + 8))
    frames.push(file.subarray(at + 12, at + 12 + file.readUInt32LE(at + 8)))
  return Buffer.concat(frames)
}

const v1Of = (texts: string[]): string =>
  JSON.stringify({
    ...{ version: 1, width: 90, height: 30, duration: 1, command: 'top -b', title: '', env: { SHELL: '/bin/zsh' } },
    stdout: texts.map((text, n) => [n / 2, text]),
  })

test('recordings of each format become sealed sessions with their bytes, once, however often they are imported', async (t) => {
  t.timeout(5 * 60_000)
  const [folder, product] = [await temporaryFolder(t), await startProduct(t)]
  const [v1, logs] = [join(folder, 'v1.cast'), join(folder, 'sudo-io')]
  await writeFile(v1, v1Of(['one\r\n', 'two "[]" \u2713\r\n']))
  await cp(iolog, join(logs, '00', '00', '01'), { recursive: true })
  const packed = join(logs, 'alice', 'c0ffee00-1111-4222-8333-444455556666')
  await mkdir(packed, { recursive: true })
  await writeFile(join(packed, 'log'), '1795000000:alice:root::unknown\n/root\n/usr/bin/id -un\n')
  const gone = Buffer.concat([Buffer.from([0x1f, 0x8b, 8, 0]), Buffer.from('root\n')]) // begins as a packed file does
  await writeFile(join(packed, 'timing'), gzipSync('1 0.000000001 9\n'))
  await writeFile(join(packed, 'stdout'), gzipSync(gone))
  await writeFile(join(folder, 's.ttyrec.gz'), gzipSync(await readFile(fixture('recordings/s.ttyrec'))))

  const casts = ['--format', 'asciicast', '--user', 'carol', '--target', 'db1']
  const runs: string[][] = [
    [...casts, fixture('recordings')],
    [...casts, '--start', '2017-01-02T03:04:05Z', v1],
    ['--format', 'ttyrec', '--user', 'dave', folder],
    ['--format', 'sudo-iolog', logs],
  ]
  const first: Imported[] = []
  for (const args of runs) first.push(await imported(t, product, args))
  t.deepEqual(
    first.map(({ files, sessions, unchanged, rejected }) => [files, sessions, unchanged, rejected.length]),
    [
      [2, 2, 0, 0],
      [1, 1, 0, 0],
      [1, 1, 0, 0],
      [2, 2, 0, 0],
    ],
  )
  t.deepEqual(first[3]?.events, { session_started: 2, command: 2, session_ended: 2 })

  const castV1 = await onlySession(product, 'user=carol&to=2018-01-01T00:00:00Z')
  t.like(castV1, { hook: 'asciicast', startedAt: '2017-01-02T03:04:05.000Z', rows: 30, cols: 90, target: 'db1' })
  t.like(castV1, { state: 'complete', durationMs: 500, argv: ['top', '-b'] })
  const v1Lines = await exported(product, castV1.id)
  t.is(bytesOf(v1Lines, 'ttyout').toString(), 'one\r\ntwo "[]" \u2713\r\n')

  await until(async () => (await sessionsOf(product, 'user=carol')).length === 3, { limitMs })
  const [castV3, castV2] = await sessionsOf(product, 'user=carol&from=2020-01-01T00:00:00Z')
  for (const [session, name] of [
    [castV2!, 'v2'],
    [castV3!, 'v3'],
  ] as const) {
    await untilSealed(product, session.id)
    const file = await readFile(fixture(`recordings/${name}.cast`), 'utf8')
    const lines = await exported(product, session.id)
    t.is(bytesOf(lines, 'ttyout').toString(), textOf(file, 'o'))
    t.is(bytesOf(lines, 'ttyin').toString(), textOf(file, 'i'))
  }
  const sealedV3 = onlyOf(
    await sessionsOf(product, 'user=carol&q=exit').then((all) => all.filter(({ id }) => id === castV3!.id)),
  )
  t.like(sealedV3, { exitCode: 3, state: 'complete', evidence: 'sealed', durationMs: 1267 })
  t.regex(
    sealedV3.endDetail ?? '',
    /asciicast v3 keeps text and times of 1 ms: characters U\+FFFD.*: 2, the first at 89 ms/,
  )

  const ttyrec = await onlySession(product, 'user=dave')
  t.like(ttyrec, { hook: 'ttyrec', state: 'complete', target: 'old-bastion' })
  const ttyrecFile = await readFile(fixture('recordings/s.ttyrec'))
  t.deepEqual(bytesOf(await exported(product, ttyrec.id), 'ttyout'), ttyrecBytes(ttyrecFile))
  t.is(Date.parse(ttyrec.startedAt), ttyrecFile.readUInt32LE(0) * 1000 + Math.floor(ttyrecFile.readUInt32LE(4) / 1000))

  const sudo = await onlySession(product, 'user=bastion1')
  t.like(sudo, {
    hook: 'sudo-iolog',
    state: 'complete',
    exitCode: 3,
    target: 'vm',
    rows: 30,
    cols: 100,
    durationMs: 446,
  })
  const sudoLines = await exported(product, sudo.id)
  t.deepEqual(bytesOf(sudoLines, 'ttyout'), await readFile(join(iolog, 'ttyout')))
  t.deepEqual(bytesOf(sudoLines, 'ttyin'), await readFile(join(iolog, 'ttyin')))
  t.like(
    sudoLines.find(({ stream }) => stream === 'resize'),
    { rows: 40, cols: 90, atMs: 194 },
  )
  const old = await onlySession(product, 'user=alice')
  t.like(old, { runAs: 'root', argv: ['/usr/bin/id', '-un'], tty: null, exitCode: null, state: 'complete' })
  t.deepEqual(bytesOf(await exported(product, old.id), 'stdout'), gone)

  const replay = (await product.raw(`/api/sessions/${ttyrec.id}/replay/index.json`)).status
  t.is(replay, 200)
  const hits = (await product.api('/api/search?q=printf&in=commands')) as { items: { sessionId: string }[] }
  t.true(hits.items.some(({ sessionId }) => sessionId === castV2!.id))

  const events = async () =>
    ((await product.api('/api/events?bastion=old-bastion&limit=1')) as { total: { value: number } }).total.value
  await until(async () => (await events()) === 18, {
    limitMs,
    what: '18 events: 17 of the sessions, one of the key that signed them',
  })
  const before = await sessionsOf(product, 'bastion=old-bastion')
  t.is(before.length, 6)
  for (const [n, args] of runs.entries()) {
    const again = await imported(t, product, args)
    t.deepEqual(again, { ...first[n]!, unchanged: first[n]!.sessions, events: {} })
  }
  t.is((await imported(t, product, ['--format', 'ttyrec', '--user', 'erin', join(folder, 's.ttyrec.gz')])).unchanged, 0)
  await onlySession(product, 'user=erin')
  const after = await sessionsOf(product, 'bastion=old-bastion')
  t.deepEqual(
    after.filter(({ user }) => user !== 'erin'),
    before,
  )
  t.is(after.length, 7)
  t.is(await product.stop(), 0)
})
