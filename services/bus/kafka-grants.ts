import type { Logger } from '../log.ts'
import { aclEntries, type KafkaRole, kafkaAcls } from './kafka-acls.ts'
import { createKafkaClient, type KafkaSettings } from './kafka-client.ts'
import { asBusErrors } from './kafka-errors.ts'

/**
 * Gives each role's user what the role needs; rights that are there stay. For an administrator, on brokers with an
 * authorizer.
 * @throws BTZ_FORBIDDEN BTZ_AUTH_REQUIRED BTZ_UNAVAILABLE
 */
export const grantKafka = async (
  settings: KafkaSettings,
  users: ReadonlyMap<KafkaRole, string>,
  log: Logger,
): Promise<void> => {
  const admin = createKafkaClient(settings, log).admin()
  const acl = [...users].flatMap(([role, user]) => aclEntries(kafkaAcls(role, settings), user))
  try {
    await asBusErrors('granting rights', async () => {
      await admin.connect()
      await admin.createAcls({ acl })
    })
  } finally {
    await admin.disconnect()
  }
}
