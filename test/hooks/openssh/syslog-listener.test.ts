import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { stat } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import type { SourceProblem } from '#hooks/openssh/line-source.ts'
import { createSyslogFrames } from '#hooks/openssh/syslog-frames.ts'
import { listenSyslog, type SyslogAddress } from '#hooks/openssh/syslog-listener.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'

const limit = { limitMs: 30_000 }
const message = '<86>1 2026-11-21T09:00:00Z b1 sshd 12 - - words'

const listening = async (t: ExecutionContext, address: SyslogAddress) => {
  const lines: string[] = []
  const problems: SourceProblem[] = []
  const listener = listenSyslog(address, (problem) => problems.push(problem))
  await listener.start(async (batch) => void lines.push(...batch))
  t.teardown(() => listener.close())
  return { lines, problems, listener }
}

const send = async (where: { port: number; host: string } | { path: string }, ...pieces: (string | Buffer)[]) => {
  const socket = connect(where)
  await once(socket, 'connect')
  for (const piece of pieces) socket.write(piece)
  socket.end()
  await once(socket.resume(), 'close')
}

test('TCP: counted frames and lines, told apart frame by frame', async (t) => {
  const { lines, listener } = await listening(t, { transport: 'tcp', port: 0 })
  const umlaut = `${message} \u00e4`
  const counted = `${Buffer.byteLength(umlaut)} ${umlaut}`
  await send(
    { port: listener.port, host: '127.0.0.1' },
    counted + counted,
    `${message}\n`,
    counted,
    '2026-11-21T09:00:00Z b1 x\n',
    message,
  )
  await until(() => lines.length === 6, limit)
  t.deepEqual(lines, [umlaut, umlaut, message, umlaut, '2026-11-21T09:00:00Z b1 x', message])
})

test('frames come out the same however the bytes are cut up', (t) => {
  const text = `${message.length} ${message}${message}\n7 <1>\nabc\n12 <1>abcdefghi12x\n`
  const whole = createSyslogFrames().push(Buffer.from(text))
  t.deepEqual(
    whole.map((frame) => frame.text),
    [message, message, '<1> abc', '', '<1>abcdefghi', '12x'],
  )
  for (let size = 1; size < 20; size++) {
    const frames = createSyslogFrames()
    const bytes = Buffer.from(text)
    const found = []
    for (let at = 0; at < bytes.length; at += size) found.push(...frames.push(bytes.subarray(at, at + size)))
    t.deepEqual(found, whole, `in pieces of ${size}`)
  }
})

test('a frame that claims to be huge is cut off and said; the next one is whole', async (t) => {
  const { lines, problems, listener } = await listening(t, { transport: 'tcp', port: 0 })
  const huge = `<1>${'x'.repeat(199_997)}`
  await send({ port: listener.port, host: '127.0.0.1' }, `200000 ${huge}`, `${message.length} ${message}`)
  await until(() => lines.length === 2, limit)
  t.deepEqual(lines, [huge.slice(0, 65_536), message])
  t.deepEqual(problems, [{ reason: 'line_cut', detail: 'syslog: a message over 64 KiB', bytes: 200_000 - 65_536 }])
})

test('UDP: a datagram is a line, whatever it holds', async (t) => {
  const { lines, listener } = await listening(t, { transport: 'udp', port: 0 })
  const socket = createSocket('udp4')
  for (const text of [`${message}\n`, 'two\nlines', message]) socket.send(text, listener.port, '127.0.0.1')
  await until(() => lines.length === 3, limit)
  socket.close()
  t.deepEqual(lines.toSorted(), [message, message, 'two lines'].toSorted())
})

test('a socket file is for our own user only, and one that was left behind is replaced', async (t) => {
  const path = join(await temporaryFolder(t), 'syslog.sock')
  const { lines } = await listening(t, { transport: 'unix', path })
  t.is((await stat(path)).mode & 0o777, 0o600)
  await send({ path }, `${message}\n`)
  await until(() => lines.length === 1, limit)
  await t.throwsAsync(listening(t, { transport: 'unix', path }), { code: 'EADDRINUSE' })
})

test('a sender is not read while a batch is being taken', async (t) => {
  let release: () => void = () => {}
  let taken = 0
  const listener = listenSyslog({ transport: 'tcp', port: 0 }, ({ detail }) => t.fail(detail))
  await listener.start(async (lines) => {
    taken += lines.length
    await new Promise<void>((resolve) => {
      release = resolve
    })
  })
  const socket = connect(listener.port, '127.0.0.1')
  const total = 64 * 1024 * 1024
  let flushed = false
  socket.write(Buffer.alloc(total, `${message}\n`), () => {
    flushed = true
  })
  socket.on('error', () => undefined)
  await until(() => taken > 0, limit)
  const first = taken
  let quiet = 0
  let sent = -1
  await until(() => {
    quiet = socket.bytesWritten === sent ? quiet + 1 : 0
    sent = socket.bytesWritten
    return quiet === 5
  }, limit)
  t.is(taken, first)
  t.false(flushed)
  socket.destroy()
  const closed = listener.close()
  release()
  await closed
})
