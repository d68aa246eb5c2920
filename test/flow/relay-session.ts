/** Run where the agent is: records a session through its sudo port, prints its id, and goes on until SIGTERM. */
import { once } from 'node:events'
import { connectSudoClient, loginInfos } from '#test/helpers/sudo-client.ts'

const [port] = process.argv.slice(2) as [string]
const client = await connectSudoClient(Number(port))
client.accept(loginInfos())
process.stdout.write(`${await client.logId()}\n`)
let count = 0
const typing = setInterval(() => client.io('ttyoutBuf', `line ${count++}\r\n`), 50)
await once(process, 'SIGTERM')
clearInterval(typing)
client.exit()
await client.committed()
process.stdout.write(`${count}\n`)
process.exit(0)
