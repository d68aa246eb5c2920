/** Run where the agent is: records one session through its sudo port, and prints its id. */
import { connectSudoClient, loginInfos } from '#test/helpers/sudo-client.ts'

const [port, text] = process.argv.slice(2) as [string, string]
const client = await connectSudoClient(Number(port))
client.accept(loginInfos())
const id = await client.logId()
client.io('ttyoutBuf', text)
client.exit()
await client.committed()
process.stdout.write(id)
process.exit(0)
