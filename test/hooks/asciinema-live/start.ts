import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { WebSocket } from 'ws'
import { startLiveHook } from '#hooks/asciinema-live/live-hook.ts'
import { createKey, liveFolder } from '#hooks/asciinema-live/stream-keys.ts'
import type { Recorder } from '#hooks/hook.ts'
import { Config } from '#services/config.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { silent } from '#test/hooks/agent/core.ts'
import { init, kind, magic, message, number, text } from './messages.ts'

export type Settings = Partial<Config['asciinemaLive']> & { graceMs?: number; hasRoom?: () => boolean; data?: string }

/** The hook on a free port, with a key for alice. */
export const startHook = async (t: ExecutionContext<unknown>, recorder: Recorder, settings: Settings = {}) => {
  const { graceMs = 60_000, hasRoom = () => true, data = await temporaryFolder(t), ...more } = settings
  const config = { ...Config.parse({ data, asciinemaLive: more }).asciinemaLive, port: more.port ?? 0 }
  const folder = join(data, 'agent', 'asciinema-live')
  const hook = await startLiveHook({ config, folder, graceMs, recorder, hasRoom, log: silent })
  t.teardown(hook.close)
  const { id, secret } = await createKey(liveFolder(data), 'alice', Date.now())
  return { ...hook, data, folder, keyId: id, url: `ws://127.0.0.1:${hook.port}/ws/${secret}` }
}

/** A client of ALiS written from asciinema's source. */
export const connectClient = async (url: string) => {
  const ws = new WebSocket(url, 'v1.alis', { perMessageDeflate: false, headers: { 'user-agent': 'asciinema/3.2.0' } })
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    ws.once('close', (code, reason) => resolve({ code, reason: reason.toString() }))
  })
  await new Promise<void>((resolve, reject) => {
    ws.once('open', () => resolve())
    ws.once('error', reject)
  })
  ws.on('error', () => undefined)
  return {
    ws,
    closed,
    begin: (lastId = 0, timeUs = 0n, screen = '') => {
      ws.send(magic)
      ws.send(init(lastId, timeUs, screen))
    },
    event: (type: 'o' | 'i' | 'm', id: number, delayUs: number, data: string) =>
      ws.send(message(kind(type), number(id), number(delayUs), text(data))),
    resize: (id: number, cols: number, rows: number) =>
      ws.send(message(kind('r'), number(id), number(0), number(cols), number(rows))),
    exit: (id: number, status: number) => ws.send(message(kind('x'), number(id), number(0), number(status))),
    /** As a link that breaks. */
    cut: () => ws.terminate(),
  }
}
