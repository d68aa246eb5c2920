import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { uplinkProtocol } from '#services/schema/agent-status.ts'
import { BatchesAnswer, EventsAnswer, HeartbeatAnswer } from '#services/schema/uplink.ts'
import { protocolHeader } from '#services/schema/uplink-protocol.ts'
import { recordsOf } from '#test/helpers/frame-worker.ts'
import { closeSharedCatalog } from '#test/helpers/ingest-backends.ts'
import { serveReceiver } from '#test/helpers/receiver.ts'

test.after.always(closeSharedCatalog)

/** What an agent and a receiver of the release before really said to each other, byte for byte: never to be changed. */
const frozen = (name: string) =>
  readFile(fileURLToPath(new URL(`../../fixtures/uplink/v${uplinkProtocol - 1}/${name}`, import.meta.url)))
const json = async (name: string): Promise<object> => JSON.parse((await frozen(name)).toString()) as object

test('what an agent of the release before sends is taken', async (t) => {
  const { call, bus } = await serveReceiver(t)
  const heartbeat = await call('PUT', '/api/agents/heartbeat', new Uint8Array(await frozen('heartbeat.json')))
  t.is(heartbeat.status, 200)
  t.is(HeartbeatAnswer.parse(await heartbeat.json()).signingKey, 'registered')
  const batches = await call('POST', '/api/ingest/batches', new Uint8Array(await frozen('batches.bin')))
  t.deepEqual(await batches.json(), await json('batches-answer.json'))
  const events = await call('POST', '/api/ingest/events', new Uint8Array(await frozen('events.ndjson')))
  t.deepEqual(await events.json(), await json('events-answer.json'))
  t.is((await recordsOf(bus, 'session-frames')).length, 2)
})

test('what a receiver of the release before answers is understood', async (t) => {
  t.deepEqual(HeartbeatAnswer.parse(await json('heartbeat-answer.json')), await json('heartbeat-answer.json'))
  t.deepEqual(BatchesAnswer.parse(await json('batches-answer.json')), await json('batches-answer.json'))
  t.deepEqual(EventsAnswer.parse(await json('events-answer.json')), await json('events-answer.json'))
})

test('fields that the release after adds, to requests and to answers, do no harm', async (t) => {
  const { call } = await serveReceiver(t)
  const next = { ...(await json('heartbeat.json')), addedLater: { by: 'a later release' } }
  const headers = { [protocolHeader]: String(uplinkProtocol + 1) }
  t.is((await call('PUT', '/api/agents/heartbeat', JSON.stringify(next), headers)).status, 200)
  t.notThrows(() => HeartbeatAnswer.parse({ orders: [], signingKey: 'registered', evidence: [], addedLater: 1 }))
  const counts = { accepted: 1, duplicates: 0, rejected: [], addedLater: 1 }
  t.notThrows(() => EventsAnswer.parse(counts))
})

test('one release apart is taken either way, two are refused with both versions, and the answer says its own', async (t) => {
  const { call } = await serveReceiver(t)
  const post = (version: string) => call('POST', '/api/ingest/events', '', { [protocolHeader]: version })
  for (const version of [uplinkProtocol - 1, uplinkProtocol, uplinkProtocol + 1]) {
    const response = await post(String(version))
    t.is(response.status, 200, String(version))
    t.is(response.headers.get(protocolHeader), String(uplinkProtocol))
  }
  for (const version of [String(uplinkProtocol + 2), '-1', 'x'.repeat(100), '1e3', '99999999999']) {
    const response = await post(version)
    t.is(response.status, 426, version)
    t.like(await response.json(), { code: 'BTZ_PROTOCOL_VERSION' })
  }
})
