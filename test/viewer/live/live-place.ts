import { WebSocket } from 'ws'
import type { Frame } from '#services/recordings/format/frame-batch.ts'
import type { Role } from '#services/schema/access.ts'
import { createAlisPlayer } from '#test/helpers/alis-player.ts'
import { recordedSession } from '#test/helpers/recorded-session.ts'
import type { Teardown } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'
import { startContentPlace } from '../content-place.ts'

type Place = Awaited<ReturnType<typeof startContentPlace>>

/** A WebSocket to …/live, and a player behind it. `status`: of the answer, where it was refused. */
export const watchAt = (url: string, headers: Record<string, string>, protocols = ['v1.alis']) => {
  const socket = new WebSocket(url, protocols, { headers })
  const player = createAlisPlayer()
  const state = { status: 0, code: 0, reason: '', problem: '' }
  socket.on('message', (data) => player.take(data as Buffer))
  socket.on('error', () => {})
  socket.on('unexpected-response', (_request, response) => {
    state.status = response.statusCode ?? 0
    response.on('data', (data: Buffer) => {
      state.problem += data.toString()
    })
    response.on('close', () => {
      state.code = -1
    })
  })
  socket.on('close', (code, reason) => {
    state.code ||= code
    state.reason = reason.toString()
  })
  return { socket, state, ...player }
}

/** A running session: what it shows goes onto the bus as its agent would write it. */
export const runningSession = async ({ backends, drain }: Place, user = 'alice', cols = 80, rows = 24) => {
  const session = recordedSession({ user, cols, rows })
  const put = async (value: Uint8Array): Promise<void> => {
    await backends.bus.produce([{ topic: 'session-frames', key: session.sessionId, value }])
  }
  await put(session.first())
  const isListed = async () => {
    await drain()
    return (await backends.catalog.session(session.sessionId)) !== null
  }
  await until(isListed, { limitMs: 30_000, what: 'the session in the catalog' })
  return { ...session, id: session.sessionId, put, show: (...frames: Frame[]) => put(session.next(...frames)) }
}

export const startLivePlace = async (t: Teardown, settings: Parameters<typeof startContentPlace>[1] = {}) => {
  const place = await startContentPlace(t, settings)
  const base = `ws://127.0.0.1:${place.httpPort}`
  const watch = async (id: string, query = '', name = 'bob', role: Role = 'analyst') => {
    const authorization = `Bearer ${await place.secretOf(name, role)}`
    const watching = watchAt(`${base}/api/sessions/${id}/live${query}`, { authorization })
    t.teardown(() => watching.socket.terminate())
    return watching
  }
  return { ...place, base, watch }
}
