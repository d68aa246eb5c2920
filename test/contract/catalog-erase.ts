import type { TestFn } from 'ava'
import { wordsQuery } from '#services/search/words-query.ts'
import { alert } from './catalog-alerts.ts'
import { at, command, ended, event, type MakeCatalogPlace, newId, opened, sessionRow, update } from './catalog-place.ts'

const marker = 'zqx7marker'

export const eraseContract = (test: TestFn, make: MakeCatalogPlace): void => {
  test('of an erased session who, when and how it ended stay, and nothing that was typed or started', async (t) => {
    const { catalog, place } = await opened(t, make)
    const row = ended(sessionRow(0, { argv: ['vim', `/etc/${marker}`], target: marker, endDetail: marker }), 60)
    const other = ended(sessionRow(1), 61)
    const typed = command(`cat ${marker}`, { argv: ['cat', marker], children: [{ atMs: 5, argv: ['less', marker] }] })
    await catalog.indexFrames({ ...update(row, [0, 3], [typed, 'ls']), progress: JSON.stringify({ marker }) })
    await catalog.indexFrames(update(other, [0, 3], ['other command']))
    const said = [
      event(2, { kind: 'command', sessionId: row.id, argv: ['cat', marker], line: `cat ${marker}`, via: 'exec' }),
      event(3, { kind: 'file_transfer', sessionId: row.id, direction: 'upload', sizeBytes: 7, path: `/tmp/${marker}` }),
      event(4, { kind: 'access', sessionId: row.id, actor: 'bob', action: 'session.view' }),
      event(5, { kind: 'session_ended', sessionId: row.id, exitCode: 3, note: marker }),
      event(6, { kind: 'command', sessionId: other.id, argv: ['id'], line: 'id' }),
    ]
    await catalog.putEvents(said)
    const quoting = alert('quoting', 7, { explanation: `ran ${marker}`, title: marker, sessionIds: [row.id] })
    const aside = alert('aside', 8, { sessionIds: [other.id] })
    await catalog.putAlerts([quoting, aside])
    await catalog.markSealed(row.id, 'manifest')
    await place.settle()

    await catalog.markErasure(row.id, 'erasing')
    t.is((await catalog.session(row.id))?.evidence, 'erasing')
    t.true((await catalog.eraseSession(row.id)) > 0)
    await catalog.expunge()
    await place.settle()

    const { items } = await catalog.sessions({ limit: 10 })
    const [after, stays] = [items.find(({ id }) => id === row.id)!, items.find(({ id }) => id === other.id)!]
    t.like(after, { user: 'alice', startedAt: row.startedAt, endedAt: row.endedAt, exitCode: 0, evidence: 'erasing' })
    t.like(after, { argv: [], target: null, endDetail: null, commandCount: 0 })
    t.is(stays.commandCount, 1)
    t.deepEqual((await catalog.commands(row.id, { limit: 10 })).items, [])
    t.is((await catalog.commands(other.id, { limit: 10 })).items.length, 1)
    t.is(await catalog.progress(row.id), null)
    const events = (await catalog.events({ limit: 10 })).items
    t.is(events.length, said.length)
    t.like(
      events.find(({ id }) => id === said[0]!.id),
      { kind: 'command', user: 'alice', argv: [], line: '' },
    )
    t.like(
      events.find(({ id }) => id === said[2]!.id),
      { actor: 'bob', action: 'session.view' },
    )
    t.like(
      events.find(({ id }) => id === said[3]!.id),
      { kind: 'session_ended', exitCode: 3 },
    )
    t.deepEqual(
      events.find(({ id }) => id === said[4]!.id),
      said[4],
    )
    t.like(await catalog.alert(quoting.id), { severity: 'medium', sessionIds: [row.id], baseline: null })
    t.deepEqual(await catalog.alert(aside.id), aside)
    t.false(JSON.stringify([items, events, await catalog.alerts({ limit: 10 })]).includes(marker))
    for (const text of [marker, marker.slice(0, 5)]) {
      t.is((await catalog.search({ query: wordsQuery(text), in: ['commands', 'events'], limit: 10 })).total.value, 0)
      t.is((await catalog.sessions({ query: wordsQuery(text), limit: 10 })).total.value, 0)
      t.is((await catalog.alerts({ text, limit: 10 })).total.value, 0)
    }
    t.is((await catalog.search({ query: wordsQuery('other'), in: ['commands'], limit: 10 })).total.value, 1)
    t.is(await catalog.eraseSession(row.id), 0, 'twice is once')
  })

  test('erased is the last word, also for a session that has no row', async (t) => {
    const { catalog, place } = await opened(t, make)
    const row = ended(sessionRow(0), 60)
    await catalog.markErasure(row.id, 'erased')
    await catalog.markErasure(row.id, 'erasing')
    t.is(await catalog.eraseSession(row.id), 0)
    t.is(await catalog.eraseSession(newId()), 0)
    await catalog.indexFrames(update(row, [0, 1]))
    await catalog.markSealed(row.id, 'manifest')
    t.is((await catalog.session(row.id))?.evidence, 'erased')
    await place.settle()
    t.is((await catalog.sessions({ limit: 10, from: new Date(at(0)) })).items[0]?.evidence, 'erased')
  })
}
