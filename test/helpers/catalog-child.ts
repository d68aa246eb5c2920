import { once } from 'node:events'
import type { Catalog } from '#services/catalog/catalog.ts'
import { event, sessionRow, update } from '#test/contract/catalog-place.ts'

/** Writes as fast as it is acknowledged, prints each acknowledged number with the session's id, until it is killed. */
const [module, factory, options] = process.argv.slice(2) as [string, string, string]
const { [factory]: open } = (await import(module)) as Record<string, (options: unknown) => Promise<Catalog>>
const catalog = await open!(JSON.parse(options))
const row = sessionRow(0)
for (let n = 0; ; n++) {
  const one = event(n, { id: `${row.id}-${n}` })
  await Promise.all([catalog.indexFrames(update(row, [n, n + 1], [`echo ${n}`], n)), catalog.putEvents([one])])
  if (!process.stdout.write(`${row.id} ${n}\n`)) await once(process.stdout, 'drain')
}
