import type { ExecutionContext } from 'ava'
import { freePort } from '#test/helpers/free-port.ts'
import { bartizan, killIfAlive, type Run } from '#test/helpers/running.ts'
import { until } from '#test/helpers/until.ts'

export type Role = {
  url: string
  pid(): number
  /** Ends with 0 after SIGTERM. */
  stop(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>
  start(): Promise<void>
}

const isReady = async (url: string): Promise<boolean> =>
  fetch(`${url}/readyz`).then(
    ({ ok }) => ok,
    () => false,
  )

/** A stage as a process of its own, on one port for good. */
export const startRole = async (
  t: ExecutionContext<unknown>,
  name: 'receiver' | 'ingest' | 'viewer',
  env: NodeJS.ProcessEnv,
): Promise<Role> => {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  let run: Run | null = null
  t.teardown(() => {
    if (run) killIfAlive(run.child.pid!)
    if (!t.passed) t.log(`${name}: ${run?.output().slice(-5_000)}`)
  })
  const start = async (): Promise<void> => {
    const started = bartizan([name], { ...env, BARTIZAN_HTTP_PORT: String(port) })
    run = started
    await until(
      async () => {
        if (started.child.exitCode !== null) throw new Error(`${name} ended: ${started.output()}`)
        return isReady(url)
      },
      { limitMs: 60_000, everyMs: 50, what: `${name} ready` },
    )
  }
  await start()
  return {
    url,
    pid: () => run!.child.pid!,
    start,
    stop: async (signal) => {
      run!.child.kill(signal)
      const code = await run!.exited
      if (signal === 'SIGTERM') t.is(code, 0, run!.output())
    },
  }
}
