import type { Format, FormatContext, Numbered } from '../sink.ts'
import { itemAt, itemBastion, itemId, itemName } from './item-facts.ts'
import { severityOf, syslogSeverities } from './severity.ts'
import { visible } from './visible.ts'

/** `byteOrderMark`: RFC 5424 wants it before UTF-8, but most receivers hand it on as a part of the message. */
export type Envelope = { byteOrderMark: boolean }

const authpriv = 10
const local0 = 16
/** Reserved for documentation (RFC 5612): there is no number of our own. */
const enterprise = 32473

const priority = ({ item }: Numbered): number =>
  (item.type === 'event' ? authpriv : local0) * 8 + syslogSeverities[severityOf(item)]

const notInHeader = /[^\x21-\x7e]/g
/** A field of the header: printable ASCII without spaces, or `-`. */
const word = (text: string, limit: number): string => text.replace(notInHeader, '?').slice(0, limit) || '-'

const value = (text: string): string => visible(text).replace(/["\\\]]/g, (character) => `\\${character}`)

const structuredData = ({ seq, item }: Numbered): string => {
  const of = { type: item.type, seq: String(seq), id: itemId(item) }
  return `[bartizan@${enterprise} ${Object.entries(of)
    .map(([name, text]) => `${name}="${value(text)}"`)
    .join(' ')}]`
}

// At most six digits of a second.
const timestamp = (at: string): string => at.replace(/(\.\d{6})\d+/, '$1')

/** RFC 5424 around another format. HOSTNAME is the bastion, where what it tells of happened. */
export const rfc5424 =
  (content: Format, { byteOrderMark }: Envelope): Format =>
  (numbered: Numbered, about: FormatContext) => {
    const { item } = numbered
    const host = word(itemBastion(item) ?? about.host, 255)
    const head = `<${priority(numbered)}>1 ${timestamp(itemAt(item))} ${host} bartizan - ${word(itemName(item), 32)}`
    return `${head} ${structuredData(numbered)} ${byteOrderMark ? '\ufeff' : ''}${content(numbered, about)}`
  }
