import type { Format, FormatContext, Numbered } from '../sink.ts'
import { alertInEcs } from './ecs-alert.ts'
import { eventInEcs } from './ecs-event.ts'
import { consoleLink, itemAt, itemBastion, itemId } from './item-facts.ts'
import { type Fields, jsonLine } from './json-line.ts'
import { riskScores, severityOf } from './severity.ts'

const ecsVersion = '9.4.0'

/** `event`: the fields of `event.*` that depend on the kind; `rest`: everything outside of it. */
export type EcsPart = { event: Fields; rest: Fields }

const around = ({ seq, item }: Numbered, about: FormatContext): Fields => ({
  module: 'bartizan',
  id: itemId(item),
  sequence: seq,
  severity: riskScores[severityOf(item)],
  url: consoleLink(item, about),
})

/** Elastic Common Schema; what it has no field for is below `bartizan`. */
export const ecs: Format = (numbered, about) => {
  const { item } = numbered
  const bastion = itemBastion(item)
  const part = item.type === 'event' ? eventInEcs(item.event) : alertInEcs(item.alert)
  return jsonLine({
    '@timestamp': itemAt(item),
    ecs: { version: ecsVersion },
    event: { ...part.event, ...around(numbered, about) },
    host: { name: bastion, hostname: bastion },
    observer: { vendor: 'Bartizan', product: 'Bartizan', name: about.host, version: about.version },
    tags: about.shortenedFromBytes === undefined ? [] : ['bartizan-shortened'],
    ...part.rest,
  })
}
