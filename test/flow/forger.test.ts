import { spawn } from 'node:child_process'
import { once } from 'node:events'
import test from 'ava'
import { realTest } from '#test/helpers/real.ts'
import { type Product, startProduct } from '#test/helpers/running.ts'
import { encodeClientMessage } from '#test/helpers/sudo-client.ts'
import { until } from '#test/helpers/until.ts'

const nobody = 65_534

type Event = { kind: string; status?: string; detail?: string }

/** What a local user without rights hears when he sends a forged hello to the port, as a program of his own. */
const forge = async (port: number): Promise<string> => {
  const hello = encodeClientMessage({ case: 'helloMsg', value: { clientId: 'sudoers 1.9.13p3' } }).toString('base64')
  const script = `
    const socket = require('node:net').connect(${port}, '127.0.0.1')
    socket.on('data', (data) => process.stdout.write(data))
    socket.on('error', () => {})
    socket.write(Buffer.from('${hello}', 'base64'))
    setTimeout(() => socket.destroy(), 3000)`
  const child = spawn(process.execPath, ['-e', script], {
    uid: nobody,
    gid: nobody,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let heard = ''
  child.stdout.on('data', (data: Buffer) => {
    heard += data.toString('latin1')
  })
  await once(child, 'close')
  return heard
}

const health = async (product: Product): Promise<Event[]> =>
  ((await product.api('/api/events?kind=recorder_health')) as { items: Event[] }).items

realTest(
  test,
  ['root'],
  'an unprivileged local process on the sudo port is refused, hears nothing, and is reported',
  async (t) => {
    t.timeout(10 * 60_000)
    const product = await startProduct(t)
    t.is(await forge(product.endpoints.sudoPort), '')
    await until(async () => (await health(product)).some(({ status }) => status === 'tampered'), { what: 'the report' })
    const report = (await health(product)).find(({ status }) => status === 'tampered')!
    t.regex(report.detail ?? '', new RegExp(`${nobody}`))
    const { total } = (await product.api('/api/sessions')) as { total: { value: number } }
    t.is(total.value, 0)
  },
)
