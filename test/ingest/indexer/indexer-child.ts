import type { Catalog } from '#services/catalog/catalog.ts'
import { openBus, openCatalog, startIndexer } from './place.ts'

/** Indexes what stands on the bus of this folder until it is killed; prints a letter before each write. */
const place = { folder: process.argv[2]! }
const [bus, catalog] = await Promise.all([openBus(place), openCatalog(place)])
const telling: Catalog = {
  ...catalog,
  indexFrames: (update) => {
    process.stdout.write('f')
    return catalog.indexFrames(update)
  },
  putEvents: (events) => {
    process.stdout.write('e')
    return catalog.putEvents(events)
  },
}
await startIndexer(bus, telling, 60_000)
