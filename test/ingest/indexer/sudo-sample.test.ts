import { readFileSync } from 'node:fs'
import { fromBinary } from '@bufbuild/protobuf'
import test from 'ava'
import { derive } from '#ingest/indexer/derive.ts'
import { type Frame, Stream } from '#services/recordings/format/frame-batch.ts'
import { type ClientMessage, ClientMessageSchema, type InfoMessage } from '#services/schema/generated/log_server_pb.ts'
import { decoded, exec, frame, masked, recordedSession } from '#test/helpers/recorded-session.ts'

const messagesIn = (name: string): ClientMessage[] => {
  const bytes = readFileSync(new URL(`../../fixtures/sudo/${name}`, import.meta.url))
  const messages: ClientMessage[] = []
  for (let at = 0; at < bytes.length; at += 4 + bytes.readUInt32BE(at)) {
    messages.push(fromBinary(ClientMessageSchema, bytes.subarray(at + 4, at + 4 + bytes.readUInt32BE(at))))
  }
  return messages
}

const argvOf = (infos: readonly InfoMessage[]): string[] => {
  const value = infos.find(({ key }) => key === 'runargv')?.value
  return value?.case === 'strlistval' ? value.value.strings : []
}
const text = (data: Uint8Array): string => Buffer.from(data).toString()

/** As the agent makes frames of them: the password, typed without echo, is masked; its Enter is not. */
const framesOf = ({ type }: ClientMessage): Frame[] => {
  if (type.case === 'acceptMsg') return [exec(...argvOf(type.value.infoMsgs))]
  if (type.case === 'ttyoutBuf') return [frame(Stream.TTYOUT, type.value.data)]
  if (type.case !== 'ttyinBuf') return []
  return text(type.value.data) === 'hunter2\n'
    ? [masked(7), frame(Stream.TTYIN, '\n')]
    : [frame(Stream.TTYIN, type.value.data)]
}

test('a real login shell, its password masked: typed lines with what they executed', (t) => {
  const [, ...messages] = messagesIn('client-stream-forcecommand-shell.bin').filter(
    ({ type }) => type.case !== 'helloMsg',
  )
  const session = recordedSession({ cols: 100, rows: 30 })
  const { commands } = derive(null, decoded(session.first(...messages.flatMap(framesOf))), null)
  const told = commands.map(({ command: { line, argv, via, startup, children } }) => ({
    line,
    via,
    startup,
    ran: [argv, ...children.map((child) => child.argv)].map((words) => words.join(' ')),
  }))
  t.deepEqual(told.slice(0, 5), [
    { line: '/usr/bin/id -u', via: 'exec', startup: true, ran: ['/usr/bin/id -u'] },
    { line: '/usr/bin/dircolors -b', via: 'exec', startup: true, ran: ['/usr/bin/dircolors -b'] },
    {
      line: 'whoami; ls /etc | head -2',
      via: 'typed',
      startup: false,
      ran: ['/usr/bin/whoami', '/usr/bin/head -2', '/usr/bin/ls --color=auto /etc'],
    },
    { line: "read -s -p 'Password: ' x", via: 'typed', startup: false, ran: [''] },
    {
      line: 'ps -o user,pid,ppid,tty,args --forest -t $(ps -o tty= -p $PPID)',
      via: 'typed',
      startup: false,
      ran: ['/usr/bin/ps -o tty= -p 18855', '/usr/bin/ps -o user,pid,ppid,tty,args --forest -t pts/2'],
    },
  ])
  t.like(told.at(5), { line: 'exit', via: 'typed' })
  t.false(JSON.stringify(commands).includes('hunter2'))
})
