import test from 'ava'
import type { Alert } from '#services/schema/alert.ts'
import { ocsf } from '#services/sinks/formats/ocsf.ts'
import { about, everySample, numbered, sampleAlert, sampleEvent } from '../samples.ts'

type Tree = { [name: string]: unknown }
type Finding = Tree & { metadata: Tree; observables?: { name: string; type_id: number; value: string }[] }
const read = (text: string) => JSON.parse(text) as Finding
const ofAlert = (alert: Alert) => read(ocsf({ seq: 1, item: { type: 'alert', alert } }, about))

/** What ocsf/ocsf-schema v1.8.0 requires of every class, and of each that we use; of a list of lists one is enough. */
const requiredOfAll = ['activity_id', 'category_uid', 'class_uid', 'type_uid', 'time', 'severity_id', 'metadata']
const classes: Record<number, { category: number; required: string[]; oneOf?: string[]; activities: number[] }> = {
  1001: { category: 1, required: ['actor', 'device', 'file'], activities: [1, 2] },
  1007: { category: 1, required: ['actor', 'device', 'process'], activities: [1] },
  2003: { category: 2, required: ['compliance', 'finding_info'], activities: [1, 2, 3] },
  2004: { category: 2, required: ['finding_info'], activities: [1, 2, 3] },
  3002: { category: 3, required: ['user'], oneOf: ['service', 'dst_endpoint'], activities: [1, 7] },
  4001: { category: 4, required: [], oneOf: ['dst_endpoint', 'src_endpoint'], activities: [1, 2] },
  4007: { category: 4, required: [], oneOf: ['dst_endpoint', 'src_endpoint'], activities: [1, 2] },
  4014: { category: 4, required: [], oneOf: ['session', 'src_endpoint', 'tunnel_type_id'], activities: [1] },
  6002: { category: 6, required: ['app'], activities: [4, 99] },
  6003: { category: 6, required: ['actor', 'api', 'src_endpoint'], activities: [1, 2, 3, 4] },
  6006: { category: 6, required: ['actor', 'file', 'src_endpoint'], activities: [1, 2] },
}
/** Required attributes of objects, by the path at which we use them. */
const objects: Record<string, { required?: string[]; oneOf?: string[] }> = {
  metadata: { required: ['version', 'product'] },
  user: { oneOf: ['account', 'name', 'uid'] },
  actor: { oneOf: ['process', 'user', 'session', 'app_name'] },
  'actor.user': { oneOf: ['account', 'name', 'uid'] },
  process: { oneOf: ['pid', 'uid', 'cpid'] },
  'process.user': { oneOf: ['account', 'name', 'uid'] },
  device: { required: ['type_id'] },
  file: { required: ['name', 'type_id'] },
  src_endpoint: { oneOf: ['ip', 'uid', 'name', 'hostname'] },
  dst_endpoint: { oneOf: ['ip', 'uid', 'name', 'hostname'] },
  certificate: { required: ['issuer', 'serial_number'] },
  finding_info: { required: ['uid'] },
  'finding_info.analytic': { required: ['type_id'] },
  api: { required: ['operation'] },
  'evidences[0]': { oneOf: ['actor', 'data', 'device', 'src_endpoint', 'user'] },
}
const at = (tree: Tree, path: string): unknown =>
  path
    .split(/[.[\]]+/)
    .filter((step) => step !== '')
    .reduce<unknown>((value, step) => (value as Tree | undefined)?.[step], tree)

for (const sample of everySample) {
  const event = read(ocsf(sample, about))
  test(`OCSF 1.8 has all that its class requires: ${sample.seq} ${event.class_name}`, (t) => {
    const { category, required, oneOf, activities } = classes[event.class_uid as number]!
    for (const name of [...requiredOfAll, ...required]) t.true(name in event, name)
    if (oneOf)
      t.true(
        oneOf.some((name) => name in event),
        `one of ${oneOf}`,
      )
    t.is(event.category_uid, category)
    t.true(activities.includes(event.activity_id as number))
    t.is(event.type_uid, (event.class_uid as number) * 100 + (event.activity_id as number))
    t.is(event.time, Date.parse('2026-03-04T05:06:07.089Z'))
    for (const [path, { required: needed = [], oneOf: any }] of Object.entries(objects)) {
      const object = at(event, path) as Tree | undefined
      if (object === undefined) continue
      for (const name of needed) t.true(name in object, `${path}.${name}`)
      if (any)
        t.true(
          any.some((name) => name in object),
          `${path}: one of ${any}`,
        )
    }
  })
  test(`observables point to what is there: ${sample.seq} ${event.class_name}`, (t) => {
    t.true((event.observables ?? []).every(({ name, value }) => at(event, name) === value))
    if (sample.seq === 1) t.is(event.observables?.length, 3)
  })
}

test('kinds of events have the classes that OCSF made for them', (t) => {
  const typeUid = (...of: Parameters<typeof sampleEvent>) => read(ocsf(numbered(sampleEvent(...of)), about)).type_uid
  t.is(typeUid('login'), 300201)
  t.is(typeUid('login_failed'), 300201)
  t.is(typeUid('privilege_change'), 300207)
  t.is(typeUid('session_started'), 400701)
  t.is(typeUid('session_started', { protocol: 'rdp' }), 400101)
  t.is(typeUid('session_ended'), 400702)
  t.is(typeUid('command'), 100701)
  t.is(typeUid('file_transfer', { direction: 'upload' }), 600601)
  t.is(typeUid('file_transfer', { direction: 'download' }), 600602)
  t.is(typeUid('file_transfer', { direction: 'download', sourceIp: null }), 100102)
  t.is(typeUid('port_forward'), 401401)
  t.is(typeUid('posture'), 200301)
  t.is(typeUid('recorder_health'), 600204)
  t.is(typeUid('access'), 600302)
})

test('an alert is created, updated and closed', (t) => {
  const first = { ...sampleAlert, revision: 1, triage: null, status: 'open' as const }
  t.like(ofAlert(first), { type_uid: 200401, status_id: 1, is_alert: true, severity_id: 4 })
  t.like(ofAlert({ ...first, revision: 2 }), { type_uid: 200402, status_id: 1 })
  t.like(ofAlert(sampleAlert), { type_uid: 200402, status_id: 2 })
  t.like(ofAlert({ ...sampleAlert, status: 'false_positive' }), { type_uid: 200403, evidences: [{ verdict_id: 1 }] })
  t.like(ofAlert({ ...sampleAlert, withdrawn: true }), { type_uid: 200403, status_id: 4 })
  t.false(ofAlert({ ...sampleAlert, severity: 'info' }).is_alert)
})

test('metadata has the product, the sequence and an id per telling', (t) => {
  const { metadata } = read(ocsf(numbered(sampleEvent('login'), 41), about))
  t.like(metadata, { version: '1.8.0', uid: sampleEvent('login').id, sequence: 41, product: { version: '1.2.3' } })
  const shortened = read(ocsf(numbered(sampleEvent('login')), { ...about, shortenedFromBytes: 99_999 }))
  t.like(shortened.metadata, { is_truncated: true, untruncated_size: 99_999 })
})

test('a bastion whose name is no host name to OCSF is a name', (t) => {
  const { device } = read(ocsf(numbered(sampleEvent('command', { bastion: 'b_1' })), about))
  t.deepEqual(device, { name: 'b_1', type_id: 1 })
})
