import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { freePort } from '#test/helpers/free-port.ts'
import { isAlive } from '#test/helpers/running.ts'
import { type Teardown, temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'
import type { Certificates } from './certificates.ts'

export type Transport = 'udp' | 'tcp' | 'tls'
export type ReceiverOptions = {
  transport: Transport
  certificates?: Certificates
  wantsClient?: boolean // a client certificate of our authority
  newlines?: boolean // where messages end at newlines instead of being counted
  extra?: string // rsyslog: after the first action; syslog-ng: the template of a line
  parsers?: string // syslog-ng: in the place of its JSON parser
}
export type Receiver = {
  port: number
  /** Whole lines of a file of its own. */
  lines: (file?: string) => Promise<string[]>
  pause: () => void
  kill: () => Promise<void>
  start: () => Promise<void>
}

/** A message per line. It begins with a newline too: a line that a kill tore is on its own then. */
const rsyslogConfig = (folder: string, port: number, options: ReceiverOptions): string => {
  const { transport, certificates, wantsClient = false, extra = '' } = options
  const tls =
    transport === 'tls' && certificates
      ? `global(defaultNetstreamDriver="gtls" defaultNetstreamDriverCAFile="${certificates.ca}"
  defaultNetstreamDriverCertFile="${certificates.server.cert}" defaultNetstreamDriverKeyFile="${certificates.server.key}")
module(load="imtcp" streamDriver.name="gtls" streamDriver.mode="1"
  ${wantsClient ? 'streamDriver.authMode="x509/name" permittedPeer=["client.example"]' : 'streamDriver.authMode="anon"'})`
      : `module(load="${transport === 'udp' ? 'imudp' : 'imtcp'}")`
  return `global(workDirectory="${folder}" maxMessageSize="128k")
main_queue(queue.type="Direct")
${tls}
input(type="${transport === 'udp' ? 'imudp' : 'imtcp'}" address="127.0.0.1" port="${port}")
template(name="message" type="string" string="\\n%msg%\\n")
action(type="omfile" file="${folder}/out" template="message")
${extra.replaceAll('@FOLDER@', folder)}
`
}

const syslogNgConfig = (folder: string, port: number, options: ReceiverOptions): string => {
  const { transport, certificates, wantsClient = false, newlines = false, extra = '$MSG', parsers } = options
  const tls = certificates
    ? `tls(key-file("${certificates.server.key}") cert-file("${certificates.server.cert}") ca-file("${certificates.ca}")
    peer-verify(${wantsClient ? 'required-trusted' : 'optional-untrusted'}))`
    : ''
  const at = `transport("${transport}") ip("127.0.0.1") port(${port}) ${transport === 'tls' ? tls : ''}`
  return `@version: 3.38
options { stats-freq(0); keep-hostname(yes); log-msg-size(131072); };
source s { ${newlines ? `network(${at} flags(syslog-protocol))` : `syslog(${at})`}; };
parser p { ${parsers ?? 'json-parser(prefix(".json."));'} };
destination d { file("${folder}/out" template("${extra}\\n")); };
log { source(s); ${parsers !== undefined || extra.includes('.json.') ? 'parser(p);' : ''} destination(d); flags(flow-control); };
`
}

const programs = {
  rsyslogd: {
    configure: rsyslogConfig,
    args: (folder: string) => ['-n', '-f', join(folder, 'conf'), '-i', join(folder, 'pid')],
  },
  'syslog-ng': {
    configure: syslogNgConfig,
    args: (folder: string) => [
      ...['-F', '--no-caps', '-f', join(folder, 'conf'), '-R', join(folder, 'persist')],
      ...['-c', join(folder, 'ctl'), '-p', join(folder, 'pid')],
    ],
  },
}

const hexPort = (port: number): string => `:${port.toString(16).toUpperCase().padStart(4, '0')} `
const isListening = (transport: Transport, port: number): Promise<boolean> | boolean => {
  if (transport === 'udp') return readFileSync('/proc/net/udp', 'utf8').includes(hexPort(port))
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.end()
      resolve(true)
    }).once('error', () => resolve(false))
  })
}

/** A real receiver in the foreground, with a configuration of its own in a folder of its own. */
export const startReceiver = async (
  t: Teardown,
  program: keyof typeof programs,
  options: ReceiverOptions,
): Promise<Receiver> => {
  const folder = await temporaryFolder(t)
  const port = await freePort()
  const { configure, args } = programs[program]
  writeFileSync(join(folder, 'conf'), configure(folder, port, options))
  let child: ChildProcess | null = null
  let words = ''
  const start = async () => {
    const started = spawn(program, args(folder), { stdio: ['ignore', 'pipe', 'pipe'] })
    child = started
    for (const stream of [started.stdout, started.stderr])
      stream.on('data', (data: Buffer) => (words += data.toString()))
    await until(() => started.exitCode !== null || isListening(options.transport, port), {
      limitMs: 30_000,
      what: program,
    })
    if (started.exitCode !== null) throw new Error(`${program} ended: ${words}`)
  }
  const kill = async () => {
    const { pid } = child ?? {}
    if (child === null || pid === undefined || child.exitCode !== null || !isAlive(pid)) return
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }
  t.teardown(kill)
  await start()
  const lines = async (file = 'out') => {
    const text = await readFile(join(folder, file), 'utf8').catch(() => '')
    return text
      .slice(0, text.lastIndexOf('\n') + 1)
      .split('\n')
      .filter((line) => line !== '')
  }
  return { port, lines, pause: () => child?.kill('SIGSTOP'), kill, start }
}
