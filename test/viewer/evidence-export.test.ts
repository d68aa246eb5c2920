import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { files } from '#services/verify/bundle/bundle-format.ts'
import { readMembers } from '#services/verify/bundle/ustar.ts'
import { bartizan } from '#test/helpers/running.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'
import { canaryOf, startContentPlace } from './content-place.ts'

const membersOf = async (bundle: Uint8Array): Promise<Map<string, Buffer>> => {
  const pieces = (async function* () {
    yield bundle
  })()
  const members = new Map<string, Buffer>()
  for await (const { name, bytes } of readMembers(pieces, bundle.byteLength))
    members.set(name.slice(name.indexOf('/') + 1), bytes)
  return members
}

test('evidence is exported as an archive that another machine verifies with the public key of the log alone', async (t) => {
  const { as, record, drain, backends, data } = await startContentPlace(t)
  const id = await record('alice')
  const auditor = as('carol', 'auditor')
  const path = `/api/sessions/${id}/export?format=evidence`
  const bundleNow = async (query = ''): Promise<Buffer> => {
    const answer = await auditor(path + query)
    t.is(answer.headers.get('content-type'), 'application/x-tar')
    t.regex(answer.headers.get('content-disposition') ?? '', new RegExp(`${id}\\.tar`))
    return Buffer.from(await answer.arrayBuffer())
  }
  await until(
    async () => {
      await drain()
      const proofs = (await membersOf(await bundleNow())).get(files.proofs)!
      return JSON.parse(proofs.toString()).leaves.length === 1
    },
    { limitMs: 30_000, what: 'its manifest in the log' },
  )
  const bundle = await bundleNow()
  t.false((await membersOf(bundle)).has(files.sessionKey))

  const here = bartizan(['verify', '--data', data, '--json'], { BARTIZAN_DATA: data })
  t.is(await here.exited, 0, here.output())
  t.regex(here.output(), /"type":"summary".*"log":"ok"/)

  const elsewhere = await temporaryFolder(t)
  const key = join(elsewhere, 'log.pub')
  await writeFile(key, await (await auditor('/api/log/key')).text())
  await writeFile(join(elsewhere, 'bundle.tar'), bundle)
  const verify = async (...args: string[]) => {
    const run = bartizan(['verify', join(elsewhere, 'bundle.tar'), ...args], { BARTIZAN_DATA: elsewhere })
    return { code: await run.exited, output: run.output() }
  }
  const good = await verify('--log-key', key)
  t.is(good.code, 0, good.output)
  t.is((await verify()).code, 3)
  const altered = Buffer.from(bundle)
  altered[bundle.indexOf('BTZBLK') - 40]! ^= 1
  await writeFile(join(elsewhere, 'bundle.tar'), altered)
  const bad = await verify('--log-key', key)
  t.is(bad.code, 1)
  t.regex(bad.output, /TAMPERED +evidence\/\S+\/000000000000/)

  t.deepEqual(
    (await membersOf(await bundleNow('&key=true'))).get(files.sessionKey)?.toString().trim(),
    Buffer.from(await backends.keys.get(`session:${id}`)).toString('base64'),
  )
  const actions = async () => {
    const answer = await auditor('/api/events?kind=access&limit=500')
    const { items } = (await answer.json()) as { items: { user: string; action: string }[] }
    return items.filter(({ user }) => user === 'carol').map(({ action }) => action)
  }
  await until(
    async () => {
      await drain()
      const found = await actions()
      return found.includes('session.export.key') && found.includes('session.export.evidence')
    },
    { limitMs: 30_000, what: 'both in the audit trail' },
  )
})

test('evidence goes to who may export, never of a session of their own, and its key never by another format', async (t) => {
  const { as, record } = await startContentPlace(t, { access: { reason: 'required' } })
  const id = await record('alice')
  const path = `/api/sessions/${id}/export?format=evidence`
  const statusOf = async (ask: ReturnType<typeof as>, query = '') => (await ask(path + query)).status
  t.is(await statusOf(as('bob', 'oncall')), 403)
  t.is(await statusOf(as('alice', 'auditor')), 403)
  t.is(await statusOf(as('carol', 'auditor')), 200)
  t.is(await statusOf(as('carol', 'auditor'), '&key=true'), 428)
  t.is(await statusOf(as('carol', 'auditor'), '&key=true&reason=case+7'), 200)
  t.is(await statusOf(as('carol', 'auditor'), '&key=maybe'), 400)
  const asText = await as('carol', 'auditor')(`/api/sessions/${id}/export?format=txt&key=true&reason=case+7`)
  t.is(asText.status, 400)
  t.false((await asText.text()).includes(canaryOf('alice')))
})
