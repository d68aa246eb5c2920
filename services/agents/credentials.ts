import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { diskError, systemCode } from '../disk-error.ts'
import { writeFileDurably } from '../durable-file.ts'
import { BartizanError } from '../errors.ts'
import { BastionName } from '../schema/ids.ts'

/** What an enrolled agent has: one file, so that a rotation replaces all of it or nothing. PEM. */
export const AgentCredentials = z.object({
  url: z.url(),
  bastion: BastionName,
  ca: z.string(),
  key: z.string(),
  certificate: z.string(),
})
export type AgentCredentials = z.infer<typeof AgentCredentials>

const fileOf = (data: string): string => join(data, 'agent', 'credentials.json')

const parse = (file: string, text: string): AgentCredentials => {
  try {
    return AgentCredentials.parse(JSON.parse(text))
  } catch {
    // Without the cause: it would quote what stands in the file.
    throw new BartizanError('BTZ_KEY_INVALID', `${file} is damaged`, { hint: 'enrol this agent anew' })
  }
}

/** Null: this agent was not enrolled. @throws BTZ_KEYS_EXPOSED BTZ_KEY_INVALID */
export const readCredentials = async (data: string): Promise<AgentCredentials | null> => {
  const file = fileOf(data)
  try {
    const text = await readFile(file, 'utf8')
    if (((await stat(file)).mode & 0o077) === 0) return parse(file, text)
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null
    throw diskError(error, file)
  }
  throw new BartizanError('BTZ_KEYS_EXPOSED', `${file} can be read by other users of this machine`, {
    hint: `chmod go= '${file}', then \`bartizan agents revoke\` on the server and enrol anew`,
  })
}

/** Durable, of mode 0600. @throws BTZ_DATA_UNWRITABLE BTZ_DISK_FULL */
export const writeCredentials = async (data: string, credentials: AgentCredentials): Promise<void> => {
  const file = fileOf(data)
  await writeFileDurably(file, JSON.stringify(credentials)).catch((error: unknown) => {
    throw diskError(error, file)
  })
}
