import test from 'ava'
import fc from 'fast-check'
import { createEntity, type Engine } from '#detectors/engine/entity.ts'
import { emptyFolded, type FoldContext, foldEvent, type Program } from '#detectors/engine/folded.ts'
import { settle } from '#detectors/engine/settle.ts'
import { takeEvent } from '#detectors/engine/take.ts'
import { noGeo } from '#detectors/geo/geo.ts'
import type { AnyRule, Finding } from '#detectors/rule.ts'
import { newSourceIp } from '#detectors/rules/new-source-ip.ts'
import { offHoursLogin } from '#detectors/rules/off-hours-login.ts'
import { DetectorSettings } from '#services/schema/detector-settings.ts'
import { directoryOf } from '#test/helpers/directory-of.ts'
import { loginAt, workingWeeks } from '#test/helpers/rule-run.ts'
import { seededRandom } from '#test/helpers/seeded-random.ts'

const rules = [offHoursLogin, newSourceIp] as AnyRule[]
const program: Program = { rules, annotator: null }
const context: FoldContext = {
  directory: directoryOf({ people: [{ user: 'alice', zone: 'Europe/Berlin', country: 'DE' }] }),
  geo: noGeo,
  settings: DetectorSettings.parse({}),
}
const subject = { kind: 'user', key: 'alice' } as const
const hourMs = 3_600_000
const startMs = Date.UTC(2026, 0, 5)

test('after 100,000 logins from anywhere at any time what is known of a user is less than 50 KB of JSON', (t) => {
  const seed = Date.now() % 1_000_000
  t.log(`seed ${seed}`)
  const random = seededRandom(seed)
  const byte = () => Math.floor(random() * 256)
  const facts = { firstAtMs: startMs, loginCount: 1_000, loginDays: 100, lastLoginDay: 0 }
  const template = loginAt({ at: startMs, ip: '91.10.20.30' })
  const states = new Map(rules.map((rule) => [rule, rule.initial()]))
  let timeMs = startMs
  let findings = 0
  let largest = 0
  for (let n = 0; n < 100_000; n++) {
    timeMs += Math.floor(random() ** 4 * 2 * hourMs)
    const isHistory = random() < 0.01
    const isNew = n < 2_000 || random() < 0.03
    const v6 = `2a02:${byte()}:${byte()}::${byte()}`
    const sourceIp = isNew ? (random() < 0.5 ? `${byte()}.${byte()}.${byte()}.1` : v6) : `91.10.20.${n % 7}`
    const event = { ...template.event, sourceIp, sessionId: `session ${n}` }
    const login = { ...template, event, timeMs: isHistory ? timeMs - random() * 1e10 : timeMs }
    for (const rule of rules) {
      const step = rule.apply(states.get(rule), login, { ...context, subject, facts, isHistory })
      states.set(rule, step.state)
      findings += step.findings.length
    }
    if (n % 5_000 === 0) largest = Math.max(largest, JSON.stringify([...states.values()]).length)
  }
  t.log(`${largest} bytes`)
  t.true(findings > 0)
  t.true(largest < 50_000)
  const last = [...states.values()]
  t.deepEqual(JSON.parse(JSON.stringify(last)), last) // what is kept in a snapshot is what was
})

test('whatever comes in whatever order, at the same time or not, nothing throws and what is known stays as it was', (t) => {
  const arrival = fc.record({
    hours: fc.integer({ min: 0, max: 24 * 90 }),
    ip: fc.oneof(fc.ipV4(), fc.ipV6(), fc.constantFrom('91.10.20.30', '91.10.20.31', 'nonsense', '::ffff:1.2.3.4')),
    others: fc.integer({ min: 0, max: 3 }),
    isHistory: fc.boolean(),
  })
  const fewer = { learningDays: 1, learningLogins: 3 }
  const quick = { ...context, settings: DetectorSettings.parse(fewer) }
  fc.assert(
    fc.property(fc.array(arrival, { maxLength: 80 }), (arrivals) => {
      let folded = emptyFolded(program)
      for (const { hours, ip, others, isHistory } of arrivals) {
        const before = folded
        const frozen = JSON.stringify(before)
        const login = loginAt({
          at: startMs + hours * hourMs,
          ip,
          origin: { otherUsers: others, networkUsers: others },
        })
        folded = foldEvent(program, before, login, quick, subject, { isHistory })
        t.is(JSON.stringify(before), frozen)
      }
    }),
    { numRuns: 60 },
  )
})

test('logins of the same moment end in the same findings in whatever order they come', (t) => {
  const engine: Engine = { program, context, horizonMs: 10 * 60_000 }
  const nightMs = Date.UTC(2026, 2, 3, 2)
  const together = ['203.0.113.5', '91.10.20.30', '192.0.2.9', '203.0.113.6'].map((ip) => loginAt({ at: nightMs, ip }))
  const run = (order: number[]): Finding[] => {
    const entity = createEntity(subject, engine)
    for (const login of workingWeeks('2026-01-05', 8, { ip: '91.10.20.30' })) takeEvent(entity, loginAt(login), engine)
    settle(entity, engine)
    for (const n of order) {
      takeEvent(entity, together[n]!, engine)
      settle(entity, engine)
    }
    return Object.values(entity.tip.incidents).map(({ finding }) => finding)
  }
  const expected = run([0, 1, 2, 3])
  t.true(expected.length >= 3)
  fc.assert(
    fc.property(fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4 }), (order) => {
      t.deepEqual(run(order), expected)
    }),
    { numRuns: 12 },
  )
})

test('a login costs both rules some microseconds', (t) => {
  const habits = workingWeeks('2026-01-05', 52, { hours: [7, 8, 10, 12, 13, 15, 17, 23] }).map(loginAt)
  let folded = emptyFolded(program)
  for (const login of habits) folded = foldEvent(program, folded, login, context, subject)
  const ruleContext = { ...context, subject, facts: folded.facts, isHistory: false }
  const costOfRound = (): number => {
    let state: Record<string, unknown> = folded.rules
    const beganMs = performance.now()
    for (const login of habits) {
      for (const rule of rules) state = { ...state, [rule.id]: rule.apply(state[rule.id], login, ruleContext).state }
    }
    return ((performance.now() - beganMs) * 1000) / habits.length
  }
  const microseconds = Math.min(...Array.from({ length: 10 }, costOfRound)) // of the round that was disturbed the least
  t.log(`${microseconds.toFixed(2)} µs for a login`)
  t.true(microseconds < 1_000)
})
