import type { ExecutionContext } from 'ava'
import { startSudoHook } from '#hooks/sudo/sudo-hook.ts'
import { Config } from '#services/config.ts'
import { createLogger } from '#services/log.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { configOf, eventsOf, openCore } from '#test/hooks/agent/core.ts'
import { createMemoryRecorder } from './memory-recorder.ts'
import { recordedSessions } from './recorded.ts'

type SudoSettings = Partial<Config['sudo']>

/** The hook on a free port with the memory recorder behind it; peers are whoever runs the tests. */
export const startWithMemory = async (
  t: ExecutionContext<unknown>,
  settings: SudoSettings = {},
  memory = createMemoryRecorder(),
) => {
  const base = Config.parse({})
  const allowedUids = [process.getuid?.() ?? 0]
  const config = { ...base, sudo: { ...base.sudo, port: 0, allowedUids, ...settings } }
  const hook = await startSudoHook({ config, recorder: memory.recorder, log: createLogger('sudo-test', 'silent') })
  t.teardown(() => hook.close())
  return { ...memory, hook, port: hook.port }
}

/** The hook on a free port with the agent's real recorder and spool behind it. */
export const startWithAgent = async (t: ExecutionContext<unknown>, settings: SudoSettings = {}) => {
  const allowedUids = [process.getuid?.() ?? 0]
  const config = configOf(await temporaryFolder(t), {}, { allowedUids, ...settings })
  const core = await openCore(t, config)
  const hook = await startSudoHook({ config, recorder: core.recorder, log: createLogger('sudo-test', 'silent') })
  t.teardown(() => hook.close())
  return {
    core,
    hook,
    port: hook.port,
    sessions: () => recordedSessions(core),
    events: () => eventsOf(core),
  }
}
