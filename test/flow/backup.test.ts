import { cp, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { sessionsOf } from '#test/helpers/recorded.ts'
import { bartizan, type Product, startProduct, untilSealed } from '#test/helpers/running.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'

const cast = {
  ...{ version: 1, width: 80, height: 24, duration: 1, command: 'top', title: '', env: {} },
  stdout: [[0, 'what was recorded before\r\n']],
}

const recorded = async (product: Product, user: string): Promise<string> => {
  const path = `/api/ingest/recordings?format=asciicast&bastion=jump-1&user=${user}&start=2026-01-31T12:00:00Z`
  await product.api(path, { method: 'POST', body: JSON.stringify(cast) })
  const found = () => sessionsOf(product, `user=${user}&from=2026-01-01T00:00:00Z`)
  await until(async () => (await found()).length === 1, { limitMs: 60_000, what: 'the session' })
  const [session] = await found()
  await untilSealed(product, session!.id)
  return session!.id
}

const exportOf = async (product: Product, id: string): Promise<string> =>
  (await product.raw(`/api/sessions/${id}/export?format=txt`)).text()

test('an instance is backed up while it runs; evidence, index and both backups in another folder play what it recorded, its tokens are good, and its log goes on', async (t) => {
  t.timeout(5 * 60_000)
  const env = { BARTIZAN_LOG_LEVEL: 'error' }
  const first = await startProduct(t, { env })
  const id = await recorded(first, 'uma')
  const text = await exportOf(first, id)
  t.true(text.includes('what was recorded before'))
  const made = await first.api('/api/tokens', {
    method: 'POST',
    body: JSON.stringify({ role: 'analyst', name: 'erin' }),
  })
  const { secret } = made as { secret: string }

  const [to, data] = [await temporaryFolder(t), await temporaryFolder(t)]
  await writeFile(join(to, 'pass'), 'a passphrase of the backups', { mode: 0o600 })
  const phrase = ['--passphrase-file', join(to, 'pass')]
  const run = async (args: string[], folder: string): Promise<string> => {
    const { exited, output } = bartizan([...args, ...phrase], { BARTIZAN_DATA: folder })
    t.is(await exited, 0, output())
    return output()
  }
  const stateFile = join(to, 'state.backup')
  t.regex(await run(['backup', 'keys', '--to', to, '--with-master-key'], first.data), /custody\.backupDays is 0/)
  await run(['backup', 'state', '--to', stateFile], first.data)
  const refused = bartizan(['restore', 'keys', '--from', to, ...phrase], { BARTIZAN_DATA: first.data })
  t.is(await refused.exited, 1)
  t.regex(refused.output(), /in use by process \d+ \(bartizan up\)/)
  t.is(await first.stop(), 0)
  await run(['backup', 'keys', '--to', to, '--incremental'], first.data) // what the stop has sealed has keys, too

  for (const part of await readdir(first.data))
    if (/^(evidence|log|catalog\.db(-wal)?)$/.test(part))
      await cp(join(first.data, part), join(data, part), { recursive: true })
  const verified = async () => {
    const { exited, output } = bartizan(['verify', '--level', 'content'], { BARTIZAN_DATA: data })
    return { code: await exited, output: output() }
  }
  await run(['restore', 'state', '--from', stateFile], data)
  t.is((await verified()).code, 3, 'the state alone reads no evidence')
  const again = bartizan(['restore', 'state', '--from', stateFile, ...phrase], { BARTIZAN_DATA: data })
  t.is(await again.exited, 1)
  t.regex(again.output(), /there is state already, of \d+ entries.*--force/s)
  t.regex(await run(['restore', 'keys', '--from', to], data), /^Restored \d+ keys/)
  const second = await startProduct(t, { data, env })
  t.is(await exportOf(second, id), text)
  const headers = { authorization: `Bearer ${secret}` }
  t.is((await second.raw('/api/me', { headers })).status, 200)
  await recorded(second, 'vic')
  t.is(await second.stop(), 0)
  t.notRegex(second.output(), /BTZ_/)
  const { code, output } = await verified()
  t.is(code, 0, output)
})
