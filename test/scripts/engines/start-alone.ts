// Starts a process as tests start engines, says its pid, and waits to be killed.
import { startProcess } from '../../../scripts/engines/engine-process.ts'

const identity = await startProcess({
  name: 'sleep',
  command: 'sleep',
  args: ['120'],
  logFile: process.argv[2]!,
  isReady: async () => true,
})
process.stdout.write(`${identity.pid}\n`)
setInterval(() => {}, 1000)
