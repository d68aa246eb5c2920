import { readFile } from 'node:fs/promises'
import type { Clock } from '../clock.ts'
import type { Config } from '../config.ts'
import { BartizanError } from '../errors.ts'
import type { Logger } from '../log.ts'
import { isNotifying, type SinkSettings } from '../schema/sink-settings.ts'
import { createFileSink } from './file-sink.ts'
import { formats } from './formats/formats.ts'
import { createMailNotifier } from './mail-sink.ts'
import type { Notifier } from './notice.ts'
import { openSyslog } from './open-syslog.ts'
import type { FormatContext, Sink } from './sink.ts'
import { createSlackNotifier } from './slack-sink.ts'
import { createWebhookPost } from './webhook-post.ts'
import { createWebhookNotifier, createWebhookSink } from './webhook-sink.ts'

/** Which code serves which destination. */

export type OpenedSink = { takes: 'items'; sink: Sink } | { takes: 'notices'; notifier: Notifier }
export type SinkContext = { about: () => FormatContext; kafka: Config['kafka']; clock: Clock; log: Logger }

const caOf = async ({ name, caFile }: { name: string; caFile?: string | undefined }): Promise<string | undefined> => {
  if (caFile === undefined) return undefined
  return readFile(caFile, 'utf8').catch((cause: unknown) => {
    throw new BartizanError('BTZ_CONFIG_INVALID', `sink ${name}: caFile ${caFile} cannot be read`, { cause })
  })
}

const items = (sink: Sink): OpenedSink => ({ takes: 'items', sink })
const notices = (notifier: Notifier): OpenedSink => ({ takes: 'notices', notifier })

/** Connects when something is sent. @throws BTZ_CONFIG_INVALID for files that it names and cannot be used */
export const openSink = async (settings: SinkSettings, context: SinkContext): Promise<OpenedSink> => {
  const { about } = context
  switch (settings.type) {
    case 'file':
      return items(createFileSink(settings, formats[settings.format], about))
    case 'webhook': {
      const post = await createWebhookPost(settings, { ...context, ca: await caOf(settings) })
      return isNotifying(settings)
        ? notices(createWebhookNotifier(post, about))
        : items(createWebhookSink(settings, post))
    }
    case 'slack':
      return notices(await createSlackNotifier(settings, { about, ca: await caOf(settings) }))
    case 'mail':
      return notices(await createMailNotifier(settings, { about, ca: await caOf(settings) }))
    case 'kafka': {
      // Its client is loaded only where it is used: an embedded start stays quick.
      const { createKafkaSink } = await import('./kafka-sink.ts')
      return items(createKafkaSink(settings, { ...context, format: formats[settings.format] }))
    }
    case 'syslog':
      return items(await openSyslog(settings, { ...context, format: formats[settings.format] }))
  }
}
