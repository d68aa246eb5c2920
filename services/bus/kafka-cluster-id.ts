import { randomBytes } from 'node:crypto'

/** 128 random bits as Kafka writes them. It begins with no dash, like Kafka's own (Uuid.randomUuid): tools take that for an option. */
export const newClusterId = (): string => {
  const id = randomBytes(16).toString('base64url')
  return id.startsWith('-') ? newClusterId() : id
}
