import { appendFile, copyFile, readFile, rename, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { startOpensshHook } from '#hooks/openssh/openssh-hook.ts'
import { createSshdLog, type SshdEvent } from '#hooks/openssh/sshd-log.ts'
import { Config } from '#services/config.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'
import { silent } from '#test/hooks/agent/core.ts'

const limitMs = 30_000
const real = new URL('../../fixtures/sshd/openssh-9.2-verbose-real.log', import.meta.url)

/** All lines, and pieces of them that end within lines and within connections. */
const pieces = async () => {
  const log = await readFile(real, 'utf8')
  const parser = createSshdLog({ bastion: 'bastion-1', zone: 'UTC' })
  const expected = log.split('\n').flatMap((line) => parser.take(line))
  const size = Math.ceil(log.length / 6)
  return { expected, parts: Array.from({ length: 6 }, (_, n) => log.slice(n * size, (n + 1) * size)) }
}

test('a real log of sshd, renamed, copied and emptied, before and after a restart: the events and ids of the whole log', async (t) => {
  const folder = await temporaryFolder(t)
  const logFile = join(folder, 'auth.log')
  const sent: SshdEvent[] = []
  const start = () =>
    startOpensshHook({
      config: Config.parse({ openssh: { logFile, timeZone: 'UTC' } }).openssh,
      folder: join(folder, 'places'),
      recorder: { bastion: 'bastion-1', event: async (event) => void sent.push(event as SshdEvent) },
      hasRoom: () => true,
      log: silent,
    })
  const { expected, parts } = await pieces()
  const [one, two, three, four, five, six] = parts as [string, string, string, string, string, string]
  const beforeEnd = (text: string): number => text.lastIndexOf('\n') + 1
  const seen = (count: number) => until(() => sent.length > count, { limitMs })

  await writeFile(logFile, one)
  const first = await start()
  t.teardown(() => first.close())
  await seen(0)
  await appendFile(logFile, two.slice(0, beforeEnd(two))) // logrotate's `create`: a daemon finishes its line first
  await rename(logFile, `${logFile}.1`)
  await writeFile(logFile, two.slice(beforeEnd(two)) + three)
  await seen(expected.length / 4)
  await first.close()

  await appendFile(logFile, four.slice(0, beforeEnd(four)))
  await rename(`${logFile}.1`, `${logFile}.2`)
  await copyFile(logFile, `${logFile}.1`) // its `copytruncate`, while nobody looks
  await truncate(logFile)
  await appendFile(logFile, four.slice(beforeEnd(four)) + five)
  const second = await start()
  t.teardown(() => second.close())
  await appendFile(logFile, six)
  await until(() => sent.length >= expected.length, { limitMs })
  t.deepEqual(sent, expected)
})

test('what a log announces last is told when no line of it can follow, under the id it would have had', (t) => {
  const line = (time: string, pid: number, words: string): string => `2026-06-01T${time}.000Z b1 sshd[${pid}]: ${words}`
  const open = () => {
    const log = createSshdLog({ bastion: 'bastion-1', zone: 'UTC' })
    const before = [
      line('08:00:00', 1, 'Connection from 192.0.2.1 port 1001 on 10.0.0.1 port 22 rdomain ""'),
      line('08:00:01', 1, 'Accepted password for ann from 192.0.2.1 port 1001 ssh2'),
      line('08:00:09', 1, 'Connection closed by 192.0.2.1 port 1001'),
      line('08:00:10', 2, 'Invalid user admin from 203.0.113.5 port 1002'),
    ].flatMap((text) => log.take(text))
    t.is(before.length, 1)
    return log
  }
  const log = open()
  t.deepEqual(log.settle(Date.UTC(2026, 5, 1, 8, 5)), [])
  const settled = log.settle(Date.UTC(2026, 5, 1, 8, 15))
  t.like(settled[0], { kind: 'login_failed', at: '2026-06-01T08:00:10.000Z', user: 'admin', reason: 'invalid_user' })
  t.like(settled[1], { kind: 'session_ended', at: '2026-06-01T08:00:09.000Z', user: 'ann', durationMs: 8000 })
  t.is(settled.length, 2)
  t.is(log.counts.events, 3)
  t.deepEqual(log.settle(Date.UTC(2027, 0, 1)), [])

  const live = open()
  const later = [
    ...live.take(line('08:00:11', 1, 'pam_unix(sshd:session): session closed for user ann')),
    ...live.take(line('09:00:00', 3, 'Connection from 192.0.2.1 port 1003 on 10.0.0.1 port 22 rdomain ""')),
  ]
  t.deepEqual(later.toReversed(), settled)
})
