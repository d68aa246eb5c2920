import type { Finding } from '#services/finding.ts'
import { type Check, fine, notChecked, wrong } from './check.ts'
import { endpointsOf, isAlive, statusOf } from './running.ts'

const name = 'instance'

const judge = async (pid: number, httpPort: number): Promise<Finding> => {
  if (!isAlive(pid)) {
    return wrong(
      name,
      `process ${pid} has ended without a farewell`,
      'start it again; what was acknowledged is kept. The end of its log, or dmesg, says why',
    )
  }
  const status = await statusOf(httpPort, '/readyz')
  if (status === 200) return fine(name, `process ${pid} is ready on port ${httpPort}`)
  if (status === null)
    return wrong(
      name,
      `process ${pid} does not answer on port ${httpPort}`,
      'see its log; a process that hangs is ended with kill, and started again',
    )
  return wrong(
    name,
    `process ${pid} is not ready (${status})`,
    'wait until it has started; its log says what it waits for',
  )
}

/** Whether the console of this data folder runs and is ready. */
export const instance: Check = {
  name,
  run: async ({ config: { data } }) => {
    const endpoints = await endpointsOf(data)
    if (!endpoints) return [notChecked(name, `no console runs on ${data}`)]
    return [await judge(endpoints.pid, endpoints.httpPort)]
  },
}
