import { readdirSync, readFileSync } from 'node:fs'
import test from 'ava'
import { createSshdLog, type SshdEvent, type SshdLogOptions } from '#hooks/openssh/sshd-log.ts'
import { SessionEvent } from '#services/schema/session-event.ts'

type Expected = { options: SshdLogOptions; events: (Record<string, unknown> & { line: number })[] }
const folder = new URL('../../fixtures/sshd/', import.meta.url)
const read = (name: string): string => readFileSync(new URL(name, folder), 'utf8')
const names = readdirSync(folder).flatMap((file) => (file.endsWith('.log') ? [file.slice(0, -4)] : []))

const eventsOf = (lines: string[], options: SshdLogOptions): (SshdEvent & { line: number })[] => {
  const log = createSshdLog(options)
  return lines.flatMap((text, index) => log.take(text).map((event) => ({ line: index + 1, ...event })))
}

for (const name of names) {
  const { options, events } = JSON.parse(read(`${name}.json`)) as Expected
  const lines = read(`${name}.log`).split('\n')

  test(`${name}: every event of every line, with every field`, (t) => {
    const found = eventsOf(lines, options)
    t.deepEqual(
      found.map(({ id, ...event }) => event),
      events as typeof found,
    )
    t.is(new Set(found.map(({ id }) => id)).size, found.length)
    for (const event of found) t.notThrows(() => SessionEvent.parse(event), JSON.stringify(event))
  })

  test(`${name}: a parser that goes on from a snapshot after any line gives the same events and ids`, (t) => {
    const whole = eventsOf(lines, options)
    for (let cut = 0; cut <= lines.length; cut += 1 + Math.floor(lines.length / 40)) {
      const first = createSshdLog(options)
      const before = lines.slice(0, cut).flatMap((line) => first.take(line))
      const snapshot = JSON.parse(JSON.stringify(first.snapshot()))
      const second = createSshdLog({ ...options, snapshot })
      const after = lines.slice(cut).flatMap((line) => second.take(line))
      t.deepEqual(
        [...before, ...after],
        whole.map(({ line, ...event }) => event),
        `after line ${cut}`,
      )
    }
  })
}

test('the corpus is there', (t) => t.true(names.length >= 19))

test('the same run as RFC 3164, RFC 5424 and rsyslog JSON gives the same events but for their ids and fractions of seconds', (t) => {
  const real = read('openssh-9.2-real.log').split('\n')
  const stamp = /^(\w{3}) (\d\d) (\S+) (\S+) ([\w-]+)(?:\[(\d+)\])?: (.*)$/
  const asRfc5424 = real.map((line) => {
    const [, , day, time, host, program, pid, message] = stamp.exec(line) ?? []
    return `<38>1 2026-11-${day}T${time}Z ${host} ${program} ${pid ?? '-'} - -  ${message}`
  })
  const asJson = real.map((line) => {
    const [, , day, time, host, program, pid, message] = stamp.exec(line) ?? []
    return JSON.stringify({ '@timestamp': `2026-11-${day}T${time}Z`, host, program, procid: pid, msg: ` ${message}` })
  })
  const plain = (lines: string[]) =>
    eventsOf(lines, { bastion: 'b', zone: 'UTC', year: 2026 }).map(({ id, ...event }) => event)
  t.is(plain(real).length, 38)
  t.deepEqual(plain(asRfc5424), plain(real))
  t.deepEqual(plain(asJson), plain(real))
})
