import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { PutBucketPolicyCommand } from '@aws-sdk/client-s3'
import { ownName, type Services } from './cluster.ts'
import { rawS3, s3Bucket } from './open-s3-recording-store.ts'
import { type Teardown, temporaryFolder } from './temporary-folder.ts'

const run = promisify(execFile)
const policyFile = new URL('../../docs/operations/policies/evidence-bucket.json', import.meta.url)
const secretAccessKey = 'a-secret-of-the-test'
export const bucketRoles = ['writer', 'reader', 'custodian', 'dispose'] as const
export type BucketRole = (typeof bucketRoles)[number]

/** A user of versitygw. @returns its access key */
const createUser = async (t: Teardown, { s3 }: Services): Promise<string> => {
  const user = ownName()
  const login = ['--access', s3.accessKeyId, '--secret', s3.secretAccessKey, '--endpoint-url', s3.adminEndpoint]
  const admin = (...words: string[]) => run(s3.adminCommand, ['admin', ...login, ...words])
  await admin('create-user', '--access', user, '--secret', secretAccessKey, '--role', 'user')
  t.teardown(() => admin('delete-user', '--access', user))
  return user
}

/** A bucket under the policy of the documentation, with a user for each role. */
export const guardedBucket = async (t: Teardown, services: Services) => {
  const config = await s3Bucket(t, services)
  const users = new Map<BucketRole, string>()
  for (const role of bucketRoles) users.set(role, await createUser(t, services))
  const names: Record<string, string> = { BUCKET: config.bucket }
  for (const [role, user] of users) names[role.toUpperCase()] = user
  const text = (await readFile(policyFile, 'utf8')).replaceAll(/@([A-Z]+)@/g, (_, name: string) => names[name]!)
  const Policy = JSON.stringify(JSON.parse(text)) // versitygw keeps it in an attribute of a file: 4 KiB on ext4
  const root = rawS3(t, services)
  await root.send(new PutBucketPolicyCommand({ Bucket: config.bucket, Policy }))
  const secretAccessKeyFile = join(await temporaryFolder(t), 'secret')
  await writeFile(secretAccessKeyFile, secretAccessKey)
  const configOf = (role: BucketRole) => ({ ...config, accessKeyId: users.get(role)!, secretAccessKeyFile })
  const clientOf = (role: BucketRole) => rawS3(t, services, { accessKeyId: users.get(role)!, secretAccessKey })
  return { config, root, configOf, clientOf }
}
