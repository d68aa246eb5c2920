import { appendFile, readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { Stream } from '#services/recordings/format/frame-batch.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'
import { startAgentChild } from '#test/hooks/agent/child.ts'
import { batchesOf, bytesOf, configOf, eventsOf, openCore } from '#test/hooks/agent/core.ts'
import { bytes, lineOf } from './messages.ts'

const limitMs = 30_000
const line = (id: number): string => `${lineOf([{ delayMs: 0, out: bytes(`<${id}>`) }], { id, pos: 10 * id })}\n`

/** The sessions in the spool of an agent that has ended. */
const sessionsWith = async (t: ExecutionContext, data: string): Promise<{ kinds: unknown[]; outputs: string[] }> => {
  const core = await openCore(t, configOf(data))
  const events = (await eventsOf(core)).filter(({ source }) => source === 'tlog')
  const ids = new Set(events.map(({ sessionId }) => String(sessionId)))
  const outputs = await Promise.all(
    [...ids].map(async (id) => {
      const frames = (await batchesOf(core, id)).flatMap((batch) => batch.frames)
      return bytesOf(frames, Stream.TTYOUT).toString()
    }),
  )
  return { kinds: events.map(({ kind }) => kind), outputs }
}

/** Until all messages before this one are durable. */
const keptId = (data: string, source: string, nextId: number): Promise<void> =>
  until(
    async () =>
      (await readFile(join(data, 'agent', 'tlog', `${source}.json`), 'utf8').catch(() => '')).includes(
        `"nextId":${nextId}`,
      ),
    { limitMs },
  )

test('an agent that is stopped and started leaves the session of a terminal open, and goes on in it', async (t) => {
  const data = await temporaryFolder(t)
  const logFile = join(data, 'tlog.log')
  const env = { BARTIZAN_TLOG_LOG_FILE: logFile, BARTIZAN_TLOG_SILENT_END_MS: '3600000' }
  await appendFile(logFile, line(1))
  for (const id of [2, 3]) {
    const agent = await startAgentChild(t, data, env)
    await appendFile(logFile, line(id))
    await keptId(data, 'file', id + 1)
    agent.child.kill('SIGTERM')
    t.is(await agent.exit, 0, agent.errors())
  }
  t.deepEqual(await sessionsWith(t, data), { kinds: ['session_started'], outputs: ['<1><2><3>'] })
})

test('messages that syslog brings out of order are one session in their order', async (t) => {
  const data = await temporaryFolder(t)
  const path = join(data, 'syslog.sock')
  const agent = await startAgentChild(t, data, { BARTIZAN_TLOG_LISTEN: `unix:${path}` })
  const socket = connect(path)
  for (const id of [2, 1, 4, 3, 3]) socket.write(`<86>Nov 21 09:00:00 vm tlog-rec-session[12]: ${line(id)}`)
  socket.end()
  await keptId(data, `syslog-${`unix:${path}`.replace(/[^A-Za-z0-9.-]+/g, '_')}`, 5)
  agent.child.kill('SIGTERM')
  t.is(await agent.exit, 0, agent.errors())
  t.like(await sessionsWith(t, data), { outputs: ['<1><2><3><4>'] })
})
