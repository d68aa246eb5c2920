import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { ExecutionContext, TestFn } from 'ava'
import type { Session } from '#services/schema/session.ts'
import { wordsQuery } from '#services/search/words-query.ts'
import { until } from '#test/helpers/until.ts'
import { allPages, type CatalogPlace, type MakeCatalogPlace, sessionRow, update } from './catalog-place.ts'

const childFile = fileURLToPath(new URL('../helpers/catalog-child.ts', import.meta.url))

/** The session a killed child wrote, and the number it said last. */
const killedWriter = async (t: ExecutionContext<unknown>, { inChild }: CatalogPlace, enough: number) => {
  const args = [childFile, inChild.module, inChild.factory, JSON.stringify(inChild.options)]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => child.kill('SIGKILL'))
  const told = { id: '', last: -1 }
  createInterface({ input: child.stdout }).on('line', (line) => {
    const [, id, number] = /^(\S{36}) (\d+)$/.exec(line) ?? []
    if (id) Object.assign(told, { id, last: Number(number) })
  })
  const closed = once(child, 'close')
  await until(() => told.last >= enough || child.exitCode !== null, { limitMs: 180_000, everyMs: 2 })
  child.kill('SIGKILL')
  t.is((await closed)[1], 'SIGKILL')
  return told
}

export const crashContract = (test: TestFn, make: MakeCatalogPlace): void => {
  test('what was acknowledged to a process killed -9 is there, whole and once', async (t) => {
    const place = await make(t)
    for (const enough of [3, 40]) {
      const { id, last } = await killedWriter(t, place, enough)
      const catalog = await place.open()
      await place.settle()
      const progress = await catalog.progress(id)
      t.true(progress!.nextSeq >= last + 1)
      const page = { limit: 50 }
      const commands = await allPages((cursor) => catalog.commands(id, { ...page, ...(cursor && { cursor }) }))
      // Without transactions the rows of the batch that was being written may stand before its progress does.
      const early = commands.length - progress!.nextSeq
      t.true(early === 0 || early === 1, `${commands.length} commands of ${progress!.nextSeq}`)
      t.deepEqual(
        commands.map(({ line }) => line),
        commands.map((_, n) => `echo ${n}`),
      )
      const { commandCount } = (await catalog.session(id))!
      t.true(commandCount >= progress!.nextSeq && commandCount <= progress!.nextSeq + 1, `${commandCount} counted`)
      t.true(
        (await catalog.search({ query: wordsQuery(`echo ${last}`), in: ['commands'], limit: 50 })).items.length >= 1,
      )
      const events = await allPages((cursor) => catalog.events({ limit: 500, ...(cursor && { cursor }) }))
      const ids = events.map((one) => one.id).filter((one) => one.startsWith(id))
      t.true(ids.length >= last + 1 && new Set(ids).size === ids.length)
      await catalog.close()
    }
  })

  test('a query that takes longer than its limit is ended with a reason, and the next one is answered', async (t) => {
    const place = await make(t)
    const writing = await place.open()
    const row = sessionRow(0)
    const lines = (batch: number) => Array.from({ length: 1_000 }, (_, n) => `echo ${batch * 1_000 + n}`)
    for (let n = 0; n < 30; n++) await writing.indexFrames(update(row, [n, n + 1], lines(n), n * 1_000))
    await place.settle()
    const whole = await writing.session(row.id)
    await writing.close()
    const catalog = await place.openSlow()
    t.teardown(() => catalog.close())
    const slow = { query: wordsQuery('echo cho ech ec e'), in: ['commands' as const], limit: 1_000 }
    await t.throwsAsync(catalog.search(slow), { code: 'BTZ_CATALOG_TIMEOUT' })
    // Its limit is a few milliseconds: a busy machine may need several tries for the quickest of queries.
    let answer: Session | null = null
    const isAnswered = async () => {
      answer = await catalog.session(row.id).catch(() => null)
      return answer !== null
    }
    await until(isAnswered, { limitMs: 30_000, what: 'the next query is answered' })
    t.deepEqual(answer, whole)
  })
}
