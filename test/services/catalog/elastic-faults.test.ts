import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { wordsQuery } from '#services/search/words-query.ts'
import { command, event, newId, sessionRow, update } from '#test/contract/catalog-place.ts'
import { onServices } from '#test/helpers/cluster.ts'
import { elasticProxy, type Intercept } from '#test/helpers/elastic-proxy.ts'
import { freePort } from '#test/helpers/free-port.ts'
import { openElasticCatalog, ownElastic, refreshAll } from '#test/helpers/open-elastic-catalog.ts'

type Items = { items: Record<string, { status: number; error?: { type: string; reason: string } }>[] }

/** The answer to a bulk request with another status for some of its items. */
const withItems = (answered: string, status: number, type: string, which: (index: number) => boolean): Items => {
  const answer = JSON.parse(answered) as Items
  const error = { type, reason: 'made up by the test' }
  return { items: answer.items.map((item, index) => (which(index) ? { create: { status, error } } : item)) }
}
const isBulk = ({ path }: { path: string }): boolean => path.startsWith('/_bulk')
const idsIn = (body: string): string[] => [...body.matchAll(/"_id":"([^"]+)"/g)].map(([, id]) => id!)

onServices(test, ({ elasticsearch: { url } }) => {
  const direct = async (t: ExecutionContext<unknown>) => {
    const config = ownElastic(t, url)
    const catalog = await openElasticCatalog({ config })
    t.teardown(() => catalog.close())
    return { config, catalog }
  }
  const behind = async (t: ExecutionContext<unknown>, intercept: Intercept) => {
    const { config, catalog } = await direct(t)
    const through = await openElasticCatalog({ config: { ...config, nodes: [await elasticProxy(t, url, intercept)] } })
    t.teardown(() => through.close())
    return { config, catalog, through }
  }

  test('what a busy cluster refuses is sent again, and only that (a proxy answers 429 for some)', async (t) => {
    const sent: string[][] = []
    const busy: Intercept = {
      answer: ({ path, body }) => {
        if (!path.startsWith('/_bulk')) return null
        sent.push(idsIn(body))
        if (sent.length > 1) return null
        const items = idsIn(body).map(() => ({
          create: { status: 429, error: { type: 'es_rejected_execution_exception' } },
        }))
        return { status: 200, body: { items: [{ create: { status: 409 } }, ...items.slice(1)] } }
      },
    }
    const { through } = await behind(t, busy)
    const events = [event(0), event(1), event(2)]
    t.deepEqual(await through.putEvents(events), { inserted: 2, duplicates: 1 })
    t.deepEqual(sent, [events.map(({ id }) => id), events.slice(1).map(({ id }) => id)])
  })

  test('an event that can never be taken is refused alone, without its content (a proxy answers 400 for it)', async (t) => {
    const refusing: Intercept = {
      change: (request, answered) =>
        isBulk(request)
          ? { status: 200, body: withItems(answered, 400, 'document_parsing_exception', (index) => index === 1) }
          : null,
    }
    const { through } = await behind(t, refusing)
    const reason = 'Elasticsearch refuses the event: document_parsing_exception'
    t.deepEqual(await through.putEvents([event(0), event(1), event(2)]), {
      inserted: 2,
      duplicates: 0,
      refused: [{ index: 1, reason }],
    })
  })

  test('a 400 that an operator can mend costs no event: it is not available (a proxy answers as at the shard limit)', async (t) => {
    const full: Intercept = {
      change: (request, answered) =>
        isBulk(request) ? { status: 200, body: withItems(answered, 400, 'validation_exception', () => true) } : null,
    }
    const { through } = await behind(t, full)
    await t.throwsAsync(through.putEvents([event(0)]), { code: 'BTZ_UNAVAILABLE', message: /validation_exception/ })
  })

  test('an answer lost on the way loses and doubles nothing (a proxy cuts the connection after the write)', async (t) => {
    let cuts = 1
    const cutting: Intercept = {
      change: (request) => (isBulk(request) && cuts-- > 0 ? { status: 502, body: {} } : null),
    }
    const { config, catalog, through } = await behind(t, cutting)
    const events = [event(0), event(1)]
    await t.throwsAsync(through.putEvents(events), { code: 'BTZ_UNAVAILABLE' })
    t.deepEqual(await through.putEvents(events), { inserted: 0, duplicates: 2 })
    await refreshAll(config)
    t.is((await catalog.events({ limit: 10 })).items.length, 2)
  })

  test('a shard that does not answer is no missing document (a proxy says so)', async (t) => {
    const gone: Intercept = {
      answer: ({ path }) =>
        path.startsWith('/_mget')
          ? { status: 200, body: { docs: [{ error: { type: 'no_shard_available_action_exception' } }] } }
          : null,
    }
    const { through } = await behind(t, gone)
    await t.throwsAsync(through.progress(newId()), { code: 'BTZ_UNAVAILABLE' })
  })

  test('an index that was made a moment ago is asked again until its shards have started (a proxy says they have not)', async (t) => {
    let refusals = 0
    const starting: Intercept = {
      answer: ({ path }) => {
        if (!path.includes('search') || refusals === 3) return null
        refusals++
        return { status: 503, body: { error: { type: 'search_phase_execution_exception' } } }
      },
    }
    const { through } = await behind(t, starting)
    t.deepEqual((await through.events({ limit: 1 })).items, [])
    t.is(refusals, 3)
  })

  test('without Elasticsearch every call says so at once, and nothing of what was sent', async (t) => {
    const { config } = await direct(t)
    const intercept: Intercept = { answer: () => (isDown ? { status: 0, body: {} } : null) }
    let isDown = false
    const through = await openElasticCatalog({ config: { ...config, nodes: [await elasticProxy(t, url, intercept)] } })
    t.teardown(() => through.close())
    isDown = true
    const startMs = Date.now()
    const secret = event(0, { vendor: 'hunter2' })
    for (const call of [
      () => through.putEvents([secret]),
      () => through.indexFrames(update(sessionRow(0), [0, 1], ['hunter2'])),
      () => through.progress(newId()),
      () => through.sessions({ limit: 1 }),
      () => through.search({ query: wordsQuery('hunter2'), in: ['events'], limit: 1 }),
    ]) {
      const error = await t.throwsAsync(call(), { code: 'BTZ_UNAVAILABLE' })
      t.notRegex(JSON.stringify(error, ['message', 'cause', 'hint', 'stack', 'meta', 'body']), /hunter2/)
      t.is(error.cause, undefined)
    }
    t.true(Date.now() - startMs < 5_000)
    isDown = false
    t.deepEqual(await through.putEvents([secret]), { inserted: 1, duplicates: 0 })
  })

  test('a catalog does not start without Elasticsearch', async (t) => {
    const nodes = [`http://127.0.0.1:${await freePort()}`]
    const config = { nodes, indexPrefix: 'nowhere', shards: 1, replicas: 0 }
    await t.throwsAsync(openElasticCatalog({ config }), { code: 'BTZ_UNAVAILABLE' })
  })

  test('a writer that lost its partition cannot put older rows over newer ones (a proxy holds it back)', async (t) => {
    const { promise: newerStands, resolve: goOn } = Promise.withResolvers<null>()
    const { promise: isHeld, resolve: held } = Promise.withResolvers<void>()
    const late: Intercept = {
      answer: (request) => {
        if (!isBulk(request)) return null
        held()
        return newerStands
      },
    }
    const { config, catalog, through } = await behind(t, late)
    const row = sessionRow(0)
    const older = through.indexFrames(update(row, [0, 1], [command('make')]))
    await isHeld
    const newer = { ...row, endDetail: 'newer' }
    await catalog.indexFrames(update(newer, [0, 3], [command('make install'), command('id')]))
    goOn(null)
    await older
    await refreshAll(config)
    t.like(await catalog.session(row.id), { endDetail: 'newer', commandCount: 2 })
    t.deepEqual(
      (await catalog.commands(row.id, { limit: 5 })).items.map(({ line }) => line),
      ['make install', 'id'],
    )
    t.is((await catalog.progress(row.id))?.nextSeq, 3)
  })

  test('recorder and indexer write of one session at once, and neither loses the other’s part', async (t) => {
    const { config, catalog } = await direct(t)
    const recorder = await openElasticCatalog({ config })
    t.teardown(() => recorder.close())
    const row = sessionRow(0)
    const block = {
      sessionId: row.id,
      startNs: 0n,
      endNs: 1n,
      firstAtMs: 0,
      lastAtMs: 1,
      sizeBytes: 1,
      chainHash: 'ab',
    }
    await Promise.all([
      ...Array.from({ length: 20 }, (_, n) =>
        recorder.putBlock({ ...block, key: `${row.id}/${n}`, firstSeq: n, lastSeq: n, seals: n === 19 }),
      ),
      (async () => {
        for (let n = 0; n < 20; n++) await catalog.indexFrames(update(row, [n, n + 1], [`echo ${n}`], n))
      })(),
      recorder.markSealed(row.id, 'manifest'),
    ])
    await refreshAll(config)
    t.like(await catalog.session(row.id), { evidence: 'sealed', commandCount: 20 })
    t.is((await catalog.blocks(row.id)).length, 20)
    t.deepEqual(await catalog.durableSeqs([row.id, newId()]), new Map([[row.id, 19]]))
  })

  test('killed -9 between the rows and the progress, the batches that come again mend it', async (t) => {
    const { promise: reached, resolve: reach } = Promise.withResolvers<void>()
    const held: Intercept = {
      answer: ({ path, body }) => {
        if (!path.startsWith('/_bulk') || !/-progress","_id":"[^"]+","version":4,/.test(body)) return null
        reach()
        return new Promise(() => undefined)
      },
    }
    const { config, catalog } = await direct(t)
    const options = { config: { ...config, nodes: [await elasticProxy(t, url, held)] } }
    const childFile = fileURLToPath(new URL('../../helpers/catalog-child.ts', import.meta.url))
    const args = [childFile, '#test/helpers/open-elastic-catalog.ts', 'openElasticCatalog', JSON.stringify(options)]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    t.teardown(() => child.kill('SIGKILL'))
    let id = ''
    createInterface({ input: child.stdout }).on('line', (line) => {
      id = line.split(' ')[0]!
    })
    await reached
    child.kill('SIGKILL')
    await once(child, 'close')
    await refreshAll(config)
    t.is((await catalog.progress(id))?.nextSeq, 3)
    t.is((await catalog.commands(id, { limit: 9 })).items.length, 4) // seen early
    const { person, evidence, commandCount, ...row } = (await catalog.session(id))!
    await catalog.indexFrames(update(row, [3, 4], ['echo 3'], 3))
    await refreshAll(config)
    t.is((await catalog.progress(id))?.nextSeq, 4)
    t.deepEqual(
      (await catalog.commands(id, { limit: 9 })).items.map(({ line }) => line),
      ['echo 0', 'echo 1', 'echo 2', 'echo 3'],
    )
    t.is((await catalog.session(id))?.commandCount, 4)
  })
})
