import { access, constants } from 'node:fs/promises'
import { BartizanError } from '../errors.ts'
import type { Logger } from '../log.ts'
import type { SyslogSinkSettings } from '../schema/sink-settings.ts'
import type { Format, FormatContext, Sink } from './sink.ts'
import { createSyslogDatagrams } from './syslog-datagrams.ts'
import { syslogDial } from './syslog-dial.ts'
import { framings } from './syslog-frames.ts'
import { createSyslogSink, type SyslogTransport } from './syslog-sink.ts'
import { createSyslogStream } from './syslog-stream.ts'

/** RFC 5425 and 5426: what a receiver should take at least. A larger datagram would often be cut on its way. */
const defaultMessageBytes = { udp: 2048, tcp: 8192, tls: 8192 }
const maxDatagramBytes = 65_507
const windowBytes = 4 * 1024 * 1024
const confirmAfterMs = 1_000

type Context = { format: Format; about: () => FormatContext; log: Logger }

const checkFiles = async ({ name, caFile, certFile, keyFile }: SyslogSinkSettings): Promise<void> => {
  if ((certFile === undefined) !== (keyFile === undefined))
    throw new BartizanError('BTZ_CONFIG_INVALID', `sink ${name}: certFile and keyFile belong together`)
  for (const file of [caFile, certFile, keyFile]) {
    if (file === undefined) continue
    await access(file, constants.R_OK).catch((cause: unknown) => {
      throw new BartizanError('BTZ_CONFIG_INVALID', `sink ${name}: ${file} cannot be read`, { cause })
    })
  }
}

const transportOf = (settings: SyslogSinkSettings, log: Logger): SyslogTransport => {
  const { transport, host, port, timeoutMs } = settings
  if (transport === 'udp') return createSyslogDatagrams(settings)
  const name = `${transport} ${host}:${port}`
  const onLoss = (messages: number, reason: string) =>
    log.warn({ sink: settings.name, messages, reason }, 'messages that may not have arrived are sent again')
  return createSyslogStream({ dial: syslogDial(settings), name, timeoutMs, windowBytes, confirmAfterMs, onLoss })
}

/** Connects when something is sent. @throws BTZ_CONFIG_INVALID for files that cannot be used */
export const openSyslog = async (settings: SyslogSinkSettings, { format, about, log }: Context): Promise<Sink> => {
  const { transport, byteOrderMark } = settings
  await checkFiles(settings)
  const limit = settings.maxMessageBytes ?? defaultMessageBytes[transport]
  return createSyslogSink({
    format,
    about,
    byteOrderMark,
    maxMessageBytes: transport === 'udp' ? Math.min(limit, maxDatagramBytes) : limit,
    frame: transport === 'udp' ? (message) => Buffer.from(message) : framings[settings.framing],
    transport: transportOf(settings, log),
  })
}
