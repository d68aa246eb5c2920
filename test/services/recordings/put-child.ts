import { createLogger } from '#services/log.ts'
import { createFileRecordingStore } from '#services/recordings/file-recording-store.ts'

/** Puts numbered objects, four at a time, printing each acknowledged number, until it is killed. */
const [folder, immutable] = process.argv.slice(2) as [string, string]
const log = createLogger('child', 'silent')
const store = await createFileRecordingStore({ folder, immutable: immutable === 'immutable', log })
const retainUntil = new Date('2031-01-01T00:00:00Z')
const putEvery4th = async (first: number) => {
  for (let n = first; ; n += 4) {
    await store.put(`evidence/v1/2026-01-02/s${n % 7}/${n}`, Buffer.alloc(50_000, n % 251), { retainUntil })
    process.stdout.write(`${n}\n`)
  }
}
await Promise.all([0, 1, 2, 3].map(putEvery4th))
