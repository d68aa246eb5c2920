import test from 'ava'
import { decodeBatchHeader, type Frame } from '#services/recordings/format/frame-batch.ts'
import { EndReason } from '#services/schema/generated/frame_batch_pb.ts'
import { type AlisPlayer, createAlisPlayer, drawn, linearReplay } from '#test/helpers/alis-player.ts'
import { busyFrames } from '#test/helpers/busy-session.ts'
import { masked, recordedSession, shown, typed } from '#test/helpers/recorded-session.ts'
import { seededRandom } from '#test/helpers/seeded-random.ts'
import { createLiveSession, type Viewer } from '#viewer/live/live-session.ts'

const empty = { reset: { timeUs: 0, steps: [{ cols: 80, rows: 24, sequence: '' }] }, nextSeq: 0, openCharacters: {} }

const viewerOf = ({ take }: AlisPlayer): Viewer => {
  const takeAll = (frames: Buffer[]) => frames.forEach(take)
  return { reset: takeAll, send: take, end: takeAll }
}
/** Batches of one to six frames. */
const batchesOf = (frames: readonly Frame[], random: () => number): Uint8Array[] => {
  const session = recordedSession()
  const batches = [session.first()]
  for (let at = 0; at < frames.length; ) {
    const count = 1 + Math.floor(random() * 6)
    batches.push(session.next(...frames.slice(at, at + count)))
    at += count
  }
  return [...batches, session.end(EndReason.EXIT, { exitCode: 3 })]
}
const count = Number(process.env.LIVE_VIEWERS ?? 8)
const seed = Number(process.env.LIVE_SEED ?? 20_261)

test(`${count} viewers that join at random moments end with the screen of the linear replay, cell by cell`, (t) => {
  const random = seededRandom(seed)
  const frames = busyFrames(seed, 150)
  const batches = batchesOf(frames, random)
  const joinAt = Array.from({ length: count }, () => Math.floor(random() * batches.length))
  const session = createLiveSession(empty)
  const players: AlisPlayer[] = []
  for (const [index, batch] of batches.entries()) {
    for (const at of joinAt)
      if (at === index) {
        const player = createAlisPlayer()
        session.join(viewerOf(player))
        players.push(player)
      }
    session.take(decodeBatchHeader(batch), 0)
  }
  const expected = drawn(linearReplay(frames))
  t.is(players.length, count)
  for (const { seen } of players) {
    t.deepEqual(drawn(seen.terminal()), expected, `LIVE_SEED=${seed}, joined at ${seen.resets[0]}`)
    t.like(seen, { exit: 3, isOver: true })
    t.is(seen.resets.length, 1)
  }
})

test('who has seen the past up to a moment goes on at that moment: no event is missing, and none comes twice', (t) => {
  const random = seededRandom(seed)
  const frames = busyFrames(seed + 1, 40)
  const batches = batchesOf(frames, random)
  const session = createLiveSession(empty)
  const first = createAlisPlayer()
  session.join(viewerOf(first))
  for (const batch of batches.slice(0, -1)) session.take(decodeBatchHeader(batch), 0)
  const after = (times: number[], us: number): number[] => times.filter((time) => time > us)
  for (let n = 0; n < 6; n++) {
    const afterUs = Math.floor(random() * first.seen.timeUs())
    const player = createAlisPlayer()
    session.join(viewerOf(player), afterUs)
    t.true(player.seen.resets[0]! <= afterUs)
    t.deepEqual(after(player.seen.times, afterUs), after(first.seen.times, afterUs))
    t.deepEqual(drawn(player.seen.terminal()), drawn(first.seen.terminal()))
  }
})

test('what is masked is said to be masked, and a batch that comes twice or late is shown once and in order', (t) => {
  const session = recordedSession()
  const batches = [
    session.first(shown('$ ')),
    session.next(typed('x'), masked(5)),
    session.next(shown('one ')),
    session.next(shown('two')),
  ]
  const live = createLiveSession(empty)
  const player = createAlisPlayer()
  live.join(viewerOf(player))
  for (const index of [0, 3, 1, 1, 0, 2, 3]) live.take(decodeBatchHeader(batches[index]!), 0)
  t.deepEqual(player.seen.inputs, ['x', '[masked]'])
  t.is(player.seen.terminal().memory.rowText(0).trimEnd(), '$ one two')
  t.deepEqual(player.seen.markers, [])
})

test('what never comes is told as a gap, and the rest is shown', (t) => {
  const session = recordedSession()
  const batches = [session.first(shown('a')), session.next(shown('b')), session.next(shown('c'))]
  const live = createLiveSession(empty)
  const player = createAlisPlayer()
  live.join(viewerOf(player))
  live.take(decodeBatchHeader(batches[0]!), 0)
  live.take(decodeBatchHeader(batches[2]!), 0)
  live.tick(9_000)
  t.deepEqual(player.seen.markers, [])
  live.tick(10_001)
  t.deepEqual(player.seen.markers, ['gap: 1 batches did not come'])
  t.is(player.seen.terminal().memory.rowText(0).trimEnd(), 'ac')
})
