import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { systemCode } from '#services/disk-error.ts'
import { ConsoleEndpoints } from '#services/schema/uplink.ts'

const AgentFile = z.object({ pid: z.int(), sudoPort: z.int() })
export type AgentFile = z.infer<typeof AgentFile>

const answerMs = 3_000

/** The agent's receiver is that of its certificate. */
export const isEnrolled = (data: string): boolean => existsSync(join(data, 'agent', 'credentials.json'))

/** Also of another user's process. */
export const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return systemCode(error) === 'EPERM'
  }
}

const readAs = async <T>(file: string, shape: z.ZodType<T>): Promise<T | null> => {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return null
    throw error
  })
  return text === null ? null : shape.parse(JSON.parse(text))
}

/** What the running console has written down about itself; null: it does not run. */
export const endpointsOf = (data: string): Promise<z.infer<typeof ConsoleEndpoints> | null> =>
  readAs(join(data, 'endpoints.json'), ConsoleEndpoints)

export const agentOf = (data: string): Promise<AgentFile | null> => readAs(join(data, 'agent', 'agent.json'), AgentFile)

/** Status of a GET on this machine; null: nothing answers there in time. */
export const statusOf = async (port: number, path: string): Promise<number | null> => {
  try {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, { signal: AbortSignal.timeout(answerMs) })
    await answer.body?.cancel()
    return answer.status
  } catch {
    return null
  }
}
