import { createLogger } from '#services/log.ts'
import { deliveryOf, openPlace } from './place.ts'

/** Delivers what stands on the bus of this folder to the sinks given as JSON, until it is killed. */
const [folder = '', sinks = '[]'] = process.argv.slice(2)
const place = await openPlace(folder)
await deliveryOf(place, JSON.parse(sinks) as unknown[], { log: createLogger('delivery', 'silent') })
