import { ruleFacts } from '../../schema/rules.ts'
import type { Format, FormatContext, Numbered } from '../sink.ts'
import { alertInCef } from './cef-alert.ts'
import { type CefFields, eventInCef } from './cef-event.ts'
import { cut } from './cut.ts'
import { consoleLink, itemAt, itemId, itemName } from './item-facts.ts'
import { cefSeverities, severityOf } from './severity.ts'
import { visible, visibleLines } from './visible.ts'
import { kindNames } from './wording.ts'

/** What the guide's dictionary allows, in characters; a longer value is cut by the receiver, so we say where we cut. */
const maxCharacters: Record<string, number> = {
  act: 63,
  app: 31,
  externalId: 40,
  outcome: 63,
  dvchost: 100,
  fileHash: 255,
  fname: 1023,
  filePath: 1023,
  duser: 1023,
  suser: 1023,
  dhost: 1023,
  shost: 1023,
  msg: 1023,
  reason: 1023,
  request: 1023,
  cat: 1023,
}
const textLimit = 4000 // cs1 to cs6

const header = (text: string): string =>
  visible(text)
    .slice(0, 512)
    .replace(/[\\|]/g, (character) => `\\${character}`)

const markCharacters = 32
const within = (text: string, limit: number): string => {
  if (text.length <= limit) return text
  return limit > 2 * markCharacters ? cut(text, limit - markCharacters) : `${text.slice(0, limit - 1).toWellFormed()}…`
}

const escapes: Record<string, string> = { '\\': '\\\\', '=': '\\=', '\n': '\\n', '\r': '\\r' }
const extension = (fields: CefFields): string =>
  fields
    .filter(([, value]) => value !== null && value !== undefined && value !== '')
    .map(([key, value]) => {
      const text = within(visibleLines(String(value)), maxCharacters[key] ?? textLimit)
      return `${key}=${text.replace(/[\\=\n\r]/g, (character) => escapes[character]!)}`
    })
    .join(' ')

const around = ({ seq, item }: Numbered, about: FormatContext): CefFields => {
  const id = itemId(item)
  return [
    ['rt', Date.parse(itemAt(item))],
    ['externalId', id.slice(0, 40)],
    ['cn1Label', 'sequence'],
    ['cn1', seq],
    ['cs6Label', 'id'],
    ['cs6', id],
    ['request', consoleLink(item, about)],
  ]
}

/** ArcSight's Common Event Format, version 0. */
export const cef: Format = (numbered, about) => {
  const { item } = numbered
  const name = item.type === 'event' ? kindNames[item.event.kind] : ruleFacts[item.alert.rule].title
  const head = ['CEF:0', 'Bartizan', 'Bartizan', about.version, itemName(item), name].map(header)
  const fields = item.type === 'event' ? eventInCef(item.event) : alertInCef(item.alert)
  return `${head.join('|')}|${cefSeverities[severityOf(item)]}|${extension([...around(numbered, about), ...fields])}`
}
