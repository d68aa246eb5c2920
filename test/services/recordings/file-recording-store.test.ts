import test from 'ava'
import { createLogger } from '#services/log.ts'
import { createFileRecordingStore } from '#services/recordings/file-recording-store.ts'
import { recordingStoreContract } from '#test/contract/recording-store.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'

const log = createLogger('test', 'silent')

recordingStoreContract(test, async (t) => {
  const folder = await temporaryFolder(t)
  return { open: () => createFileRecordingStore({ folder, immutable: false, log }) }
})
