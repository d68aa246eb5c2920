import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import test from 'ava'
import { Stream } from '#services/recordings/format/frame-batch.ts'
import { until } from '#test/helpers/until.ts'
import { bytesOf } from '#test/hooks/sudo/recorded.ts'
import { maskedBytes, recordInPty, startHook } from './start.ts'

const asNobody = ['--reuid', '65534', '--regid', '65534', '--clear-groups', '--']
const nobody = ['setpriv', ...asNobody]
const works = (): boolean => {
  try {
    execFileSync('setpriv', [...asNobody, process.execPath, '--version'], { stdio: 'ignore' })
    execFileSync('script', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
const asRoot = process.getuid?.() === 0 && works() ? test : test.skip
const nobodysName = () => execFileSync('getent', ['passwd', '65534'], { encoding: 'utf8' }).split(':')[0]!

asRoot(
  'another user is recorded under the name the kernel knows, with passwords masked (skipped without root and script)',
  async (t) => {
    const { at, ended, sessions } = await startHook(t)
    const secret = 'nobodys-secret-9'
    const steps = [{ waitFor: 'Secret: ' }, { typed: `${secret}\r` }, { waitFor: 'thanks' }]
    const program = 'id -u; read -s -p "Secret: " x; echo thanks'
    const { output, exitCode } = await recordInPty(at, ['--', 'bash', '-c', program], steps, {
      inside: nobody,
      env: { USER: 'root', LOGNAME: 'root' },
    })
    await ended()
    t.is(exitCode, 0)
    const [session] = await sessions()
    t.is(session!.start.user, nobodysName())
    t.deepEqual(bytesOf(session!, Stream.TTYOUT), output)
    t.regex(output.toString(), /^65534\r\n/)
    t.false(bytesOf(session!, Stream.TTYIN).toString().includes(secret.slice(0, 6)))
    t.is(maskedBytes(session!.frames), secret.length)
  },
)

asRoot('one user cannot take all the places (skipped without root and script)', async (t) => {
  const { at } = await startHook(t, { maxSessionsPerUser: 0 })
  const { output, exitCode } = await recordInPty(at, ['--', 'echo', 'unrecorded'], [], {
    inside: nobody,
  })
  t.is(exitCode, 1)
  t.regex(output.toString(), /too many recordings open at once/)
})

const squatter = `require("net").createServer((socket) => socket.on("data", () => console.log("heard")).on("close", () => console.log("closed")).resume())
  .listen(0, "127.0.0.1", function () { console.log(this.address().port) })`

asRoot('a stranger who holds the port of the agent is told nothing (skipped without root and script)', async (t) => {
  const { data } = await startHook(t)
  const child = spawn('setpriv', [...asNobody, process.execPath, '-e', squatter], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  const [port] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string]
  let heard = ''
  child.stdout.on('data', (text: string) => {
    heard += text
  })
  const { output, exitCode } = await recordInPty({ data, port: Number(port) }, ['--', 'echo', 'unrecorded'], [])
  t.is(exitCode, 1)
  t.regex(output.toString(), /does not belong to the agent's user/)
  await until(() => heard !== '', { limitMs: 30_000 })
  t.is(heard, 'closed\n')
})
