import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { startCore } from '#hooks/agent/core.ts'
import { startScriptHook } from '#hooks/script/script-hook.ts'
import { loadIdentity } from '#services/access/identity.ts'
import type { Config } from '#services/config.ts'
import { silent } from '#test/hooks/agent/core.ts'
import { recordedSessions } from '#test/hooks/sudo/recorded.ts'
import type { Question } from './start.ts'

/**
 * The hook with the agent's recorder and spool, in a process as the agent is one: a worker thread of the tests would
 * close descriptors by their numbers when it ends, those of the FIFOs among them.
 */
const start = async (config: Config): Promise<void> => {
  const folder = join(config.data, 'agent')
  await mkdir(folder, { recursive: true })
  const core = await startCore(config, silent, await loadIdentity(folder, silent))
  const hook = await startScriptHook({ config, recorder: core.recorder, log: silent })
  const answers: Record<Question['ask'], (text: string) => unknown> = {
    sessions: () => recordedSessions(core),
    openSessions: () => hook.openSessions,
    abortAll: core.recorder.abortAll,
    refuse: core.recorder.refuse,
    close: hook.close,
  }
  process.on('message', async ({ id, ask, text }: Question) => {
    process.send!({ id, answer: (await answers[ask](text)) ?? null })
  })
  process.on('disconnect', () => process.exit(0))
  process.send!({ id: 0, answer: hook.port })
}

process.once('message', (config: Config) => void start(config))
