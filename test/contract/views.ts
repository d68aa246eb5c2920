import type { TestFn } from 'ava'
import type { Segment } from '#services/schema/screen.ts'
import type { ScreenUpdate } from '#services/views/views.ts'
import { epochMs, type MakeCatalogPlace, newId, opened, sessionRow, update } from './catalog-place.ts'

const owner = { startedAtMs: epochMs, user: 'alice', bastion: 'bastion-1' }
const longList = 10_000

export const segment = (number: number, more: Partial<Segment> = {}): Segment => ({
  number,
  startUs: number * 60_000_001,
  place: { batchSeq: number * 3, frame: number % 7, byte: number % 5 },
  cols: 120,
  rows: 36,
  init: number === 0 ? '' : `\u001b[${number}H世界 ${number}`,
  isAlternate: number % 2 === 1,
  pauses: [[number * 60_000_001 - 5_000_000, number * 60_000_001]],
  marks: number % 3 === 0 ? [[number, `mark ${number}`]] : [],
  ...more,
})
const headOf = ({ init: _, ...head }: Segment) => head

export const screenUpdate = (
  sessionId: string,
  [fromSeq, nextSeq]: [number, number],
  more: Partial<ScreenUpdate> = {},
) => ({
  sessionId,
  owner,
  fromSeq,
  nextSeq,
  state: JSON.stringify({ nextSeq }),
  throughUs: nextSeq * 1_000_001,
  isEnded: false,
  unavailable: null,
  segments: [],
  texts: [],
  ...more,
})

/** What every store of views does. */
export const viewsContract = (test: TestFn, make: MakeCatalogPlace): void => {
  test('a session grows update by update; its segments are listed without keyframes and read one by one', async (t) => {
    const { catalog: views } = await opened(t, make)
    const id = newId()
    t.is(await views.segments(id), null)
    t.is(await views.segment(id, 0), null)
    t.is(await views.liveState(id), null)
    t.is(await views.screenProgress(id), null)
    await views.indexScreen(
      screenUpdate(id, [0, 2], { segments: [segment(0)], texts: [{ number: 0, atMs: 5, text: 'one' }] }),
    )
    const text = { number: 1, atMs: 7, text: 'two\nthree' }
    await views.indexScreen(
      screenUpdate(id, [2, 5], { segments: [segment(1), segment(2)], texts: [text], isEnded: true }),
    )
    t.deepEqual(await views.segments(id), {
      throughUs: 5_000_005,
      throughSeq: 4,
      isEnded: true,
      segments: [0, 1, 2].map((number) => headOf(segment(number))),
    })
    for (const number of [0, 1, 2]) t.deepEqual(await views.segment(id, number), segment(number))
    t.is(await views.segment(id, 3), null)
    t.deepEqual(await views.liveState(id), { nextSeq: 5, state: '{"nextSeq":5}' })
    const progress = {
      nextSeq: 5,
      state: '{"nextSeq":5}',
      throughMs: 5_000,
      isEnded: true,
      owner,
      unavailable: null,
      textCount: 2,
    }
    t.deepEqual(await views.screenProgress(id), progress)
    t.is(await views.segments(newId()), null, 'of another session')
  })

  test('an update that came before changes nothing, and neither does an older one', async (t) => {
    const { catalog: views } = await opened(t, make)
    const id = newId()
    const first = screenUpdate(id, [0, 4], { segments: [segment(0)], texts: [{ number: 0, atMs: 1, text: 'stands' }] })
    await views.indexScreen(first)
    const stands = [await views.segments(id), await views.screenProgress(id)]
    await views.indexScreen(first)
    await views.indexScreen(screenUpdate(id, [0, 3], { segments: [segment(0), segment(1)], isEnded: true }))
    t.deepEqual([await views.segments(id), await views.screenProgress(id)], stands)
  })

  test('two processes that derive the same leave each segment and each text once', async (t) => {
    const { catalog: views } = await opened(t, make)
    const id = newId()
    const texts = [0, 1, 2].map((number) => ({ number, atMs: number, text: `line ${number}` }))
    await views.indexScreen(screenUpdate(id, [0, 2], { segments: [segment(0)], texts: texts.slice(0, 2) }))
    await views.indexScreen(screenUpdate(id, [0, 6], { segments: [segment(0), segment(1)], texts }))
    t.deepEqual((await views.segments(id))?.segments, [headOf(segment(0)), headOf(segment(1))])
    t.is((await views.screenProgress(id))?.textCount, 3)
  })

  test('where deriving failed nothing is offered but the reason, and it is not tried from there on', async (t) => {
    const { catalog: views } = await opened(t, make)
    const id = newId()
    await views.indexScreen(screenUpdate(id, [0, 2], { segments: [segment(0)] }))
    t.is(await views.unavailable(id), null)
    await views.indexScreen(screenUpdate(id, [2, 3], { unavailable: 'the emulator stopped' }))
    t.is(await views.segments(id), null)
    t.is(await views.segment(id, 0), null)
    t.is(await views.liveState(id), null)
    t.is(await views.unavailable(id), 'the emulator stopped')
    t.like(await views.screenProgress(id), { nextSeq: 3, unavailable: 'the emulator stopped' })
    t.is(await views.unavailable(newId()), null)
  })

  test(`a session of ${longList} segments is listed in the order of their numbers`, async (t) => {
    const { catalog: views } = await opened(t, make)
    const id = newId()
    const all = Array.from({ length: longList }, (_, number) => segment(number, { init: 'x'.repeat(200) }))
    for (let at = 0; at < longList; at += 1_700)
      await views.indexScreen(screenUpdate(id, [at, at + 1_700], { segments: all.slice(at, at + 1_700) }))
    const beganMs = performance.now()
    const listed = await views.segments(id)
    t.log(`${Math.round(performance.now() - beganMs)} ms`)
    t.deepEqual(
      listed?.segments.map(({ number }) => number),
      all.map(({ number }) => number),
    )
    t.deepEqual(listed?.segments[7_777], headOf(all[7_777]!))
    t.deepEqual(await views.segment(id, 7_777), all[7_777])
  })

  test('what was deleted is gone, beside what stays, and can be written anew', async (t) => {
    const { catalog: views, place } = await opened(t, make)
    const [id, other] = [newId(), newId()]
    const one = (of: string) =>
      screenUpdate(of, [0, 9], { segments: [segment(0)], texts: [{ number: 0, atMs: 1, text: 'vim notes' }] })
    await views.indexScreen(one(id))
    await views.indexScreen(one(other))
    await place.settle()
    await views.deleteScreen(id)
    await views.deleteScreen(id)
    t.is(await views.segments(id), null)
    t.is(await views.segment(id, 0), null)
    t.is(await views.screenProgress(id), null)
    t.is((await views.segments(other))?.segments.length, 1)
    const again = screenUpdate(id, [0, 3], { segments: [segment(0, { cols: 80 })] })
    await views.indexScreen(again)
    t.is((await views.segments(id))?.throughSeq, 2)
    t.is((await views.segment(id, 0))?.cols, 80)
  })

  test('with a session its views are erased, and none comes back with what comes late', async (t) => {
    const { catalog, place } = await opened(t, make)
    const row = sessionRow(0)
    const texts = [{ number: 0, atMs: 1, text: 'zqx7onscreen' }]
    await catalog.indexFrames(update(row, [0, 1]))
    await catalog.indexScreen(screenUpdate(row.id, [0, 3], { segments: [segment(0)], texts }))
    await place.settle()
    await catalog.markErasure(row.id, 'erasing')
    t.true((await catalog.eraseSession(row.id)) > 0)
    await catalog.indexScreen(screenUpdate(row.id, [3, 9], { segments: [segment(1)], texts }))
    t.is(await catalog.segments(row.id), null)
    t.is(await catalog.screenProgress(row.id), null)
    await catalog.expunge()
    t.is(await catalog.eraseSession(row.id), 0, 'twice is once')
  })
}
