import { startProduct } from '#test/helpers/running.ts'
import { at, typedUntilFound } from './cluster/typed-until-found.ts'

/** How long after Enter a typed line is found over HTTP, through the whole product; run: `npm run bench -- searchable` */
const lines = 100

const undo: (() => unknown)[] = []
const product = await startProduct({ teardown: (run) => undo.push(run) }, { env: { BARTIZAN_LOG_LEVEL: 'error' } })
const tookMs = await typedUntilFound(product, lines)
const figures = { p50: at(tookMs, 0.5), p90: at(tookMs, 0.9), p99: at(tookMs, 0.99), lines }
console.table({ 'Enter to found, ms': figures })
await product.stop()
for (const run of undo) await run()
