import type { WebhookSinkSettings } from '../schema/sink-settings.ts'
import { linksOf, type Notice, type Notifier } from './notice.ts'
import type { FormatContext, Numbered, Sink } from './sink.ts'
import type { WebhookPost } from './webhook-post.ts'

const itemOf = ({ seq, item }: Numbered): string => JSON.stringify({ seq, ...item })
const bodyOf = (sink: string, items: readonly string[]): string =>
  `{"type":"items","sink":${JSON.stringify(sink)},"items":[${items.join(',')}]}`

/** How many from the beginning fit together into a body. */
const fitting = (items: readonly string[], room: number): number => {
  let bytes = 0
  const first = items.findIndex((item) => {
    bytes += Buffer.byteLength(item) + 1
    return bytes > room
  })
  return first === -1 ? items.length : first
}

/** Many items in one message; when the receiver refuses it, each by itself, so that only the culprit is lost to it. */
export const createWebhookSink = ({ name, maxBodyBytes }: WebhookSinkSettings, post: WebhookPost): Sink => {
  const room = maxBodyBytes - Buffer.byteLength(bodyOf(name, []))
  const idOf = (part: readonly Numbered[]) => `${name}-${part[0]!.seq}-${part.at(-1)!.seq}`
  return {
    send: async (batch, signal) => {
      const items = batch.map(itemOf)
      const count = fitting(items, room)
      if (count === 0) return { taken: 0, refused: { reason: `larger than ${maxBodyBytes} bytes as a message` } }
      const together = batch.slice(0, count)
      if ((await post(idOf(together), bodyOf(name, items.slice(0, count)), signal)) === 'taken') return { taken: count }
      for (const [at, one] of together.entries()) {
        const verdict = count === 1 ? 'refused' : await post(idOf([one]), bodyOf(name, [items[at]!]), signal)
        if (verdict === 'refused') return { taken: at, refused: { reason: 'the receiver refused it' } }
      }
      return { taken: count }
    },
    close: async () => {},
  }
}

const noticeBody = (seq: number, notice: Notice, consoleUrl: string): string =>
  notice.kind === 'alert'
    ? JSON.stringify({
        type: `alert.${notice.status}`,
        timestamp: notice.alert.at,
        data: { seq, alert: notice.alert, ...linksOf(notice.alert, consoleUrl) },
      })
    : JSON.stringify({
        type: notice.kind,
        timestamp: new Date(notice.untilMs).toISOString(),
        data: { seq, ...notice, consoleUrl },
      })

/** One message per notice. */
export const createWebhookNotifier = (post: WebhookPost, about: () => FormatContext): Notifier => ({
  send: async (batch, signal) => {
    for (const [at, { seq, notice }] of batch.entries()) {
      const verdict = await post(notice.id, noticeBody(seq, notice, about().consoleUrl), signal)
      if (verdict === 'refused') return { taken: at, refused: { reason: 'the receiver refused it' } }
    }
    return { taken: batch.length }
  },
  close: async () => {},
})
