import { createRequire } from 'node:module'

type RequestQueue = { pending: unknown[]; throttledUntil: number; scheduleCheckPendingRequests(): void }

/**
 * kafkajs 2.2.4 looks at the queue of every connection each millisecond for ever, and Node 24 warns of the negative time
 * it does so with (tulios/kafkajs issue 1751, pull requests 1755 and 1768, not released). A look is needed only while
 * something waits; whatever comes to wait asks for one itself.
 */
export const calmRequestQueues = (): void => {
  const require = createRequire(import.meta.url)
  const { prototype } = require('kafkajs/src/network/requestQueue') as { prototype: RequestQueue }
  const schedule = prototype.scheduleCheckPendingRequests
  prototype.scheduleCheckPendingRequests = function (this: RequestQueue) {
    if (this.pending.length > 0 || this.throttledUntil > Date.now()) schedule.call(this)
  }
}
