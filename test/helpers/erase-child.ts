import { systemClock } from '#services/clock.ts'
import { openErasePlace } from './erase-place.ts'

/** A round of erasures on a folder, killed -9 before the first step of that name. */
const [folder = '', killBefore = ''] = process.argv.slice(2)
const place = await openErasePlace({
  folder,
  clock: systemClock,
  before: async (what) => {
    if (what !== killBefore) return
    process.kill(process.pid, 'SIGKILL')
    await new Promise(() => {}) // the signal is on its way
  },
})
await place.round()
await place.close()
