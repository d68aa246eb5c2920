import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { States, startAgent, startServer } from '#test/helpers/host-product.ts'
import { realTest } from '#test/helpers/real.ts'
import { adminToken } from '#test/helpers/running.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { twoHosts } from '#test/helpers/two-hosts.ts'
import { until } from '#test/helpers/until.ts'

const repository = fileURLToPath(new URL('../..', import.meta.url))
const limitMs = 60_000

const asks = (url: string): string[] => {
  const script =
    "const headers={authorization:'Bearer '+process.argv[2]};const r=await fetch(process.argv[1],{method:'POST',headers,body:'{}'});process.stdout.write(r.status+' '+await r.text())"
  return [process.execPath, '--input-type=module', '-e', script, '--', url, adminToken]
}

realTest(
  test,
  ['root', 'ip', 'openssl'],
  "two machines (network namespaces): the page's commands enrol, rotate, revoke and enrol again, and nothing recorded is lost",
  async (t) => {
    const page = await readFile(join(repository, 'docs/operations/enrolment.md'), 'utf8')
    const blocks = [...page.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block]) => block!)
    t.is(blocks.length, 5)
    const [enrolCode, list, rotate, revoke, enrolAgain] = blocks as [string, string, string, string, string]
    const [near, far] = await twoHosts(t, repository)
    const server = await startServer(t, near)
    const data = await temporaryFolder(t)
    const onBastion = (script: string, bastion = 'b1') =>
      far.run(['sh', '-c', script], { BARTIZAN_DATA: data, BARTIZAN_BASTION: bastion })
    const refused = async (script: string, pattern: RegExp, bastion = 'b1') => {
      const { code, stderr } = await onBastion(script, bastion)
      t.is(code, 1, stderr)
      t.regex(stderr, pattern)
      t.notRegex(stderr, /\n\s+at /, 'a stack is no message for a person')
    }

    const { stdout: line, stderr } = await server.sh(enrolCode)
    t.regex(
      line,
      new RegExp(`^\\./bartizan agent enrol https://${near.address}:8443 --code \\S{43} --ca-sha256 \\w{64}\\n$`),
      stderr,
    )
    const otherFingerprint = line.replace(/ca-sha256 (.)/, (_all, digit) => `ca-sha256 ${digit === '0' ? '1' : '0'}`)
    await refused(otherFingerprint, /BTZ_CERTIFICATE/)
    await refused(line, /of another bastion.*BTZ_ENROL_REFUSED/s, 'b2')
    t.is((await onBastion(line)).stdout, `This agent is enrolled as b1 at https://${near.address}:8443.\n`)
    await refused(line, /BTZ_ENROL_REFUSED/)
    t.is((await stat(join(data, 'agent', 'credentials.json'))).mode & 0o777, 0o600)
    t.is((await stat(join(server.data, 'keys', 'pki', 'ca.pem'))).mode & 0o777, 0o600)

    const isComplete = async (id: string) => {
      const { items } = States.parse(await server.api('/api/sessions'))
      return items.some((one) => one.id === id && one.state === 'complete' && one.bastion === 'b1')
    }
    const first = await startAgent(t, far, data)
    const before = await first.record('before')
    await until(() => isComplete(before), { limitMs, everyMs: 200, what: 'the first session' })
    const plain = `http://${near.address}:8080`
    t.regex((await far.run(asks(`${plain}/api/ingest/events`))).stdout, /^403 .*over HTTPS only/)
    t.regex((await near.run(asks('http://127.0.0.1:8080/api/ingest/events'))).stdout, /^200 /)
    t.regex((await server.sh(list)).stdout, /^b1 {2}until \d{4}-/)
    t.is((await onBastion(rotate)).code, 0)
    const rotated = await first.record('after the rotation')
    await until(() => isComplete(rotated), { limitMs, everyMs: 200, what: 'the session after the rotation' })

    t.is((await server.sh(revoke)).stdout, 'revoked b1: 1 certificates, 0 tokens, 1 signing keys\n')
    await refused(rotate, /was revoked/)
    const meanwhile = await first.record('while revoked')
    await until(() => first.output().includes('the certificate of this agent was revoked'), { limitMs })
    t.false(await isComplete(meanwhile))
    t.is((await server.sh(list)).stdout, 'b1  revoked\n')

    const again = await server.sh(enrolAgain)
    t.regex((await onBastion(again.stdout)).stdout, /enrolled as b1 .*started again/s)
    await first.stop()
    const second = await startAgent(t, far, data)
    await until(() => isComplete(meanwhile), { limitMs, everyMs: 200, what: 'what was recorded meanwhile' })
    const after = await second.record('after')
    await until(() => isComplete(after), { limitMs, everyMs: 200, what: 'the last session' })
  },
)
