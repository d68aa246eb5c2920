import test from 'ava'
import { recordingStoreContract } from '#test/contract/recording-store.ts'
import { onServices } from '#test/helpers/cluster.ts'
import { openS3Store, s3Bucket } from '#test/helpers/open-s3-recording-store.ts'

onServices(test, (services) => {
  recordingStoreContract(test, async (t) => {
    const config = await s3Bucket(t, services)
    return { open: () => openS3Store(config) }
  })
})
