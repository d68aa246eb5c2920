import type { TemplateBody } from '../elastic/elastic-templates.ts'

/**
 * What is not mapped is kept and not looked at, so no document can be refused for what a sender put into it: the row
 * itself travels as one string of JSON.
 */

const ordered = { type: 'keyword', ignore_above: 8_000 } as const // characters: less than Lucene's 32,766 bytes
const word = { ...ordered, doc_values: false } as const // looked for, and nothing else
const time = { type: 'date', format: 'epoch_millis' } as const
const whole = { type: 'long' } as const
// Positions, since a word is found where its trigrams follow on each other. No scores: lists are in order of time.
const text = {
  trigrams: { type: 'text', analyzer: 'whitespace', norms: false, index_options: 'positions' },
  starts: { type: 'text', analyzer: 'whitespace', norms: false, index_options: 'docs' },
} as const

const timed = { at: time, tie: whole, user: word, bastion: word, ...text }
/** Told of thousands of hits at once, by their values: to read as many sources takes seconds. */
const told = { ...word, fields: { value: { ...ordered, index: false } } } as const
const hits = { ...timed, user: told, bastion: told }
const sessionKey = (path: string) => ({ type: 'alias', path })
const inSession = {
  ...hits,
  sessionId: ordered,
  sessionKey: sessionKey('sessionId'),
  number: whole,
  startedAt: time,
}

/** Of each document in `events`, `commands` and `screenTexts`: fields that hits are told by. */
export const toldFields = { sessionId: 'sessionKey', user: 'user.value', bastion: 'bastion.value' } as const

export const catalogTemplates: Record<string, TemplateBody> = {
  'events-*': {
    properties: {
      ...hits,
      kind: word,
      sessionId: told,
      sessionKey: sessionKey('sessionId.value'),
      sourceIp: word,
      target: word,
      outcome: word,
      connectionId: word,
    },
  },
  commands: { properties: inSession },
  sessions: {
    shards: 1, // pages rest on sessions becoming visible in the order in which they ended
    properties: {
      id: ordered,
      connectionId: word,
      parentId: word,
      user: word,
      bastion: word,
      sourceIp: word,
      target: word,
      state: word,
      startedAt: time,
      endedAt: time,
      lastedMs: whole,
      closing: whole,
      nextSeq: whole,
      ...text,
    },
  },
  alerts: {
    properties: {
      ...timed,
      rule: word,
      severity: word,
      status: word,
      sourceIp: word,
      sourceKey: word,
      sessionIds: word,
      withdrawn: { type: 'boolean' },
    },
  },
  progress: { properties: {} },
  screens: { properties: {} },
  'screen-segments': { properties: { sessionId: ordered, tie: whole } },
  'screen-texts': { properties: inSession },
  evidence: { properties: { sessionId: ordered, firstSeq: whole, lastSeq: whole } },
}

export type CatalogIndices = {
  eventsOf(month: string): string
  events: string // all months
  commands: string
  alerts: string
  sessions: string
  progress: string
  screens: string
  screenSegments: string
  screenTexts: string
  evidence: string
}

export const indicesOf = (prefix: string): CatalogIndices => ({
  eventsOf: (month) => `${prefix}-events-${month}`,
  events: `${prefix}-events-*`,
  commands: `${prefix}-commands`,
  alerts: `${prefix}-alerts`,
  sessions: `${prefix}-sessions`,
  progress: `${prefix}-progress`,
  screens: `${prefix}-screens`,
  screenSegments: `${prefix}-screen-segments`,
  screenTexts: `${prefix}-screen-texts`,
  evidence: `${prefix}-evidence`,
})
