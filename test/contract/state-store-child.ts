import type { StateStore } from '#services/state/state-store.ts'

/** Puts numbered entries as fast as they are acknowledged, prints each acknowledged number, until it is killed. */
const [module, factory, options] = process.argv.slice(2) as [string, string, string]
const { [factory]: create } = (await import(module)) as Record<string, (options: unknown) => Promise<StateStore>>
const store = await create!(JSON.parse(options))
for (let n = 0; ; n++) {
  await store.put(`entry/${n}`, { n })
  await store.put('latest', n)
  process.stdout.write(`${n}\n`)
}
