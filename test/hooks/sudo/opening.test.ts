import { create } from '@bufbuild/protobuf'
import test from 'ava'
import { infoLimits, readCommandInfo } from '#hooks/sudo/command-info.ts'
import { openingOf } from '#hooks/sudo/opening.ts'
import { parseSshConnection } from '#services/connection-id.ts'
import { InfoMessageSchema } from '#services/schema/generated/log_server_pb.ts'
import { type Infos, loginInfos } from '#test/helpers/sudo-client.ts'

const infosOf = (infos: Infos) =>
  Object.entries(infos).map(([key, value]) =>
    create(InfoMessageSchema, {
      key,
      value:
        value === null
          ? { case: undefined }
          : typeof value === 'string'
            ? { case: 'strval', value }
            : typeof value === 'number'
              ? { case: 'numval', value: BigInt(value) }
              : { case: 'strlistval', value: { strings: value } },
    }),
  )
const openingFrom = (overrides: Infos) =>
  openingOf(readCommandInfo(infosOf(loginInfos(overrides))), 'sudoers 1.9.13p3', 7)

test('an ssh connection is named by its four parts, as both ends write them', (t) => {
  const tuple = { clientIp: '192.0.2.7', clientPort: 50_122, serverIp: '192.0.2.1', serverPort: 22 }
  t.deepEqual(parseSshConnection('192.0.2.7 50122 192.0.2.1 22'), tuple)
  t.deepEqual(parseSshConnection('::ffff:192.0.2.7 50122 ::FFFF:192.0.2.1 22'), tuple)
  t.like(parseSshConnection('2001:DB8::7 1 fe80::1%eth0 65535'), { clientIp: '2001:db8::7', serverIp: 'fe80::1%eth0' })
})

test('what is no ssh connection is none', (t) => {
  for (const text of [
    '',
    '1.2.3.4 22',
    '1.2.3.4 0 1.2.3.4 22',
    '1.2.3.4 65536 1.2.3.4 22',
    'host 1 host 2',
    '1.2.3.4 1e3 1.2.3.4 22',
    '1.2.3.4 1 1.2.3.4 22 x',
    ' '.repeat(10_000),
  ]) {
    t.is(parseSshConnection(text), null, text.slice(0, 50))
  }
})

test('sessions of one connection share its id, others do not', (t) => {
  const id = (connection: string) => openingFrom({ runenv: [`SSH_CONNECTION=${connection}`] }).connectionId
  t.regex(id('192.0.2.7 50122 192.0.2.1 22')!, /^[0-9a-f]{32}$/)
  t.is(id('192.0.2.7 50122 192.0.2.1 22'), id('::ffff:192.0.2.7 50122 192.0.2.1 22'))
  t.not(id('192.0.2.7 50122 192.0.2.1 22'), id('192.0.2.7 50123 192.0.2.1 22'))
  t.is(id('nonsense'), null)
})

test('a nested sudo carries what names its parent: the connection, and a tty that is not SSH_TTY', (t) => {
  const nested = openingFrom({ ttyname: '/dev/pts/9', runuser: 'root' })
  t.is(nested.connectionId, openingFrom({}).connectionId)
  t.is(nested.tty, '/dev/pts/9')
  t.is(nested.env.SSH_TTY, '/dev/pts/3')
  t.is(nested.runAs, 'root')
})

test('an accept without a user or a command is refused, other keys may be missing', (t) => {
  for (const key of ['submituser', 'command'])
    t.throws(() => openingFrom({ [key]: null }), { message: new RegExp(key) })
  const bare = openingOf(readCommandInfo(infosOf({ submituser: 'alice', command: '/bin/sh', unheardOf: 'x' })), 'c', 7)
  t.deepEqual(bare, {
    hook: 'sudo',
    startedAtMs: 7,
    user: 'alice',
    runAs: null,
    target: null,
    sourceIp: null,
    sourcePort: null,
    connectionId: null,
    tty: null,
    rows: null,
    cols: null,
    argv: ['/bin/sh'],
    cwd: null,
    env: {},
    originalCommand: null,
    client: 'c',
  })
})

test('a terminal size that no terminal has is not known', (t) => {
  for (const lines of [0, -1, 65_536]) t.is(openingFrom({ lines }).rows, null)
  t.is(openingFrom({ lines: 65_535 }).rows, 65_535)
})

test('the origin cannot be pushed out of the environment, nor be shadowed', (t) => {
  const crowd = Array.from({ length: 50_000 }, (_, index) => `JUNK_${index}=x`)
  const { env, sourceIp } = openingFrom({
    runenv: [...crowd, 'SSH_CONNECTION=192.0.2.7 1 192.0.2.1 22', 'SSH_CONNECTION=203.0.113.9 1 192.0.2.1 22'],
  })
  t.is(sourceIp, '192.0.2.7')
  t.is(Object.keys(env).length, infoLimits.envCount - 1)
})

test('names of the environment cannot reach the prototype', (t) => {
  const { env } = openingFrom({ runenv: ['__proto__=polluted', 'constructor=x', '=x', 'noequals'] })
  t.deepEqual(Object.keys(env).sort(), ['__proto__', 'constructor'])
  t.is(Object.getPrototypeOf(env), Object.prototype)
})

test('very long arguments are cut, and say how much is missing', (t) => {
  const { argv } = openingFrom({ runargv: ['a'.repeat(100_000), 'b'.repeat(100_000), 'c'.repeat(100), 'd'] })
  t.is(argv[0]!.length < 66_000, true)
  t.regex(argv[0]!, /…\[34504 more\]$/)
  t.is(argv.at(-1), '…[2 more arguments]')
  t.true(Buffer.byteLength(JSON.stringify(argv)) < 256 * 1024)
})

test('ten thousand arguments become the first of them and a number', (t) => {
  const { argv } = openingFrom({ runargv: Array.from({ length: 10_000 }, (_, index) => `file-${index}`) })
  t.is(argv.length, infoLimits.argvCount)
  t.is(argv.at(-1), '…[5905 more arguments]')
})

test('a name too long to be one is refused rather than shortened into another', (t) => {
  t.throws(() => openingFrom({ submituser: 'x'.repeat(254) }), { message: /254 characters/ })
})
