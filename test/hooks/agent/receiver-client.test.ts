import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { createReceiverClient } from '#services/uplink/receiver-client.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { configOf } from './core.ts'

test('an agent sends its token over plain HTTP to nobody but this machine', async (t) => {
  const data = await temporaryFolder(t)
  const tokenFile = join(data, 'token')
  await writeFile(tokenFile, 'a token')
  for (const url of [
    'http://192.0.2.1:8080',
    'http://receiver.example',
    'http://127.0.0.1.example',
    'http://localhost.x',
  ]) {
    const config = configOf(data)
    const client = createReceiverClient({ ...config, uplink: { ...config.uplink, url, tokenFile } })
    const call = {
      method: 'POST' as const,
      path: '/',
      contentType: 'text/plain',
      body: Buffer.alloc(0),
      timeoutMs: 1_000,
    }
    const signal = new AbortController().signal
    await t.throwsAsync(client.call({ ...call, signal }), {
      code: 'BTZ_CONFIG_INVALID',
      message: /plain HTTP to another machine/,
    })
    client.close()
  }
})
