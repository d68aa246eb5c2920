import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { SessionEvent } from '#services/schema/session-event.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { generateQuarter } from '../../bench/company/generation.ts'

const quarter = { profile: 'eu', directory: 'whole', people: 20, days: 40 } as const
const files = ['events.ndjson', 'directory.json', 'labels.json', 'benign.json']
const contents = (folder: string) => files.map((file) => readFileSync(join(folder, file), 'utf8'))

test('the same seed gives the same company, another seed another one', async (t) => {
  const [first, second, other] = [await temporaryFolder(t), await temporaryFolder(t), await temporaryFolder(t)]
  generateQuarter({ ...quarter, seed: '3' }, first)
  generateQuarter({ ...quarter, seed: '3' }, second)
  generateQuarter({ ...quarter, seed: '4' }, other)
  const [firstContents, otherContents] = [contents(first), contents(other)]
  t.true(contents(second).every((text, i) => text === firstContents[i]))
  t.true(otherContents.every((text, i) => text !== firstContents[i]))
})

test('everything a generated company says is an event, said once and in order of arrival', async (t) => {
  const folder = await temporaryFolder(t)
  const { events: count, incidents } = generateQuarter({ ...quarter, seed: '5', profile: 'ops' }, folder)
  const lines = readFileSync(join(folder, 'events.ndjson'), 'utf8').trimEnd().split('\n')
  const events = lines.map((line) => SessionEvent.parse(JSON.parse(line)))
  t.is(events.length, count)
  t.is(new Set(events.map(({ id }) => id)).size, count)
  t.true(events.every(({ receivedAt }, i) => i === 0 || receivedAt! >= events[i - 1]!.receivedAt!))
  const sessions = new Set(events.map(({ sessionId }) => sessionId))
  const lost = incidents.flatMap(({ sessionIds }) => sessionIds).filter((id) => !sessions.has(id))
  t.deepEqual(lost, [], 'what is labelled happened')
})
