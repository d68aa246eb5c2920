import test from 'ava'
import { momentOfWall, offsetMsOf, wallTime } from '#detectors/directory/zone-time.ts'

const hourMs = 3_600_000
const minutes = (zone: string, text: string): number => offsetMsOf(zone, Date.parse(text)) / 60_000

test('offsets follow the rules of the zone to the second, also where they are no whole hours', (t) => {
  t.is(minutes('Europe/Berlin', '2026-03-29T00:59:59Z'), 60)
  t.is(minutes('Europe/Berlin', '2026-03-29T01:00:00Z'), 120)
  t.is(minutes('Australia/Lord_Howe', '2026-04-04T14:59:59Z'), 660)
  t.is(minutes('Australia/Lord_Howe', '2026-04-04T15:00:00Z'), 630)
  t.is(minutes('Asia/Kathmandu', '2026-06-01T00:00:00Z'), 345)
  t.is(minutes('UTC', '2026-06-01T00:00:00Z'), 0)
})

test('the wall shows day, weekday and hour', (t) => {
  const wall = wallTime('America/New_York', Date.parse('2026-03-02T03:30:00Z'))
  t.like(wall, { weekday: 6, hour: 22, minute: 30 })
  t.is(new Date(wall.day * 24 * hourMs).toISOString().slice(0, 10), '2026-03-01')
})

test('a time on the wall is a moment, in the hour that exists twice the first one', (t) => {
  const berlin = (text: string) => new Date(momentOfWall('Europe/Berlin', Date.parse(text))).toISOString()
  t.is(berlin('2026-07-01T12:00Z'), '2026-07-01T10:00:00.000Z')
  t.is(berlin('2026-10-25T02:30Z'), '2026-10-25T00:30:00.000Z')
  t.is(berlin('2026-03-29T02:30Z'), '2026-03-29T01:30:00.000Z')
})
