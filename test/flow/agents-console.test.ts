import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import type { Page } from 'playwright-core'
import { openConsole, screenshot, signIn } from '#test/helpers/console-page.ts'
import { freePort } from '#test/helpers/free-port.ts'
import { realTest } from '#test/helpers/real.ts'
import { bartizan, killIfAlive, type Product, startProduct } from '#test/helpers/running.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'

const bastion = 'jump-1'

/** Agents are received over HTTPS; the instance's own agent speaks to nobody, so that none was heard at first. */
const startReceiving = async (t: ExecutionContext): Promise<Product> =>
  startProduct(t, {
    env: {
      BARTIZAN_LOG_LEVEL: 'error',
      BARTIZAN_RECEIVER_HOST: '127.0.0.1',
      BARTIZAN_RECEIVER_PORT: '0',
      BARTIZAN_UPLINK_URL: `http://127.0.0.1:${await freePort()}`,
    },
  })

/** The printed command, as somebody would run it on the bastion. */
const enrol = async (t: ExecutionContext, command: string, name: string): Promise<NodeJS.ProcessEnv> => {
  const env = { BARTIZAN_DATA: await temporaryFolder(t), BARTIZAN_BASTION: name, BARTIZAN_LOG_LEVEL: 'error' }
  const run = bartizan(command.split(' ').slice(1), env)
  t.is(await run.exited, 0, run.output())
  return env
}
const enrolAndStart = async (t: ExecutionContext, command: string): Promise<void> => {
  const env = await enrol(t, command, bastion)
  const agent = bartizan(['agent'], { ...env, BARTIZAN_SUDO_PORT: '0' })
  t.teardown(async () => {
    killIfAlive(agent.child.pid!)
    await agent.exited
  })
}

const postureOf = (check: string, status: string, user?: string) => ({
  id: `posture of ${check} of ${user}`,
  at: new Date().toISOString(),
  kind: 'posture',
  source: 'posture',
  bastion,
  ...{ check, status, user, detail: {} },
})
const tellPosture = async (product: Product): Promise<void> => {
  const events = [
    postureOf('root-login', 'ok'),
    postureOf('mfa-required', 'fail'),
    postureOf('shared-account', 'warn', 'alice'),
    postureOf('shared-account', 'warn', 'bob'),
  ]
  const body = events.map((event) => `${JSON.stringify(event)}\n`).join('')
  await product.api('/api/ingest/events', { method: 'POST', body, headers: { 'content-type': 'application/x-ndjson' } })
}

/** What comes through a relay, and what is one, is enrolled again as that. */
const checkRelays = async (t: ExecutionContext, product: Product, page: Page): Promise<void> => {
  const asked = { method: 'POST', body: JSON.stringify({ forMs: 60_000, relayNames: ['127.0.0.1'] }) }
  const { command } = (await product.api('/api/agents/relay-1/codes', asked)) as { command: string }
  await enrol(t, command, 'relay-1')
  const row = page.getByRole('row').filter({ hasText: 'relay-1' })
  const dialog = page.getByRole('dialog')
  await row.getByText('relay', { exact: true }).waitFor()
  await row.getByRole('button', { name: 'Enrol again' }).click()
  await dialog.getByRole('button', { name: 'Make the command' }).click()
  await enrol(t, (await dialog.locator('pre').textContent()) ?? '', 'relay-1')
  await dialog.getByRole('button', { name: 'Done' }).click()
  const { items } = (await product.api('/api/agents')) as { items: { bastion: string; way: object }[] }
  t.deepEqual(items.find((one) => one.bastion === 'relay-1')?.way, { via: null, relayNames: ['127.0.0.1'] })

  await page.getByRole('button', { name: 'Enrol a bastion' }).click()
  await dialog.getByLabel('Bastion').fill('jump-2')
  await dialog.getByRole('combobox', { name: 'through the relay' }).click()
  await page.getByRole('option', { name: 'relay-1' }).click()
  await dialog.getByRole('button', { name: 'Make the command' }).click()
  await dialog.getByText('the relay relay-1 was not heard yet').waitFor()
  await shots(page, 'agents-relay')
  await dialog.getByRole('button', { name: 'Cancel' }).click()
}

const shots = async (page: Page, name: string): Promise<void> => {
  await screenshot(page, name)
  await page.emulateMedia({ colorScheme: 'dark' })
  await screenshot(page, `${name}-dark`)
  await page.emulateMedia({ colorScheme: 'light' })
}

realTest(
  test,
  ['chromium', 'openssl'],
  'a bastion is enrolled by the command that the console makes once, is seen with its health, and is revoked',
  async (t) => {
    t.timeout(10 * 60_000)
    const product = await startReceiving(t)
    const page = await openConsole(t, product, { expected: /401|403|404|503/ })
    await page.getByRole('link', { name: 'Agents' }).click()
    await page.getByText('No agent is enrolled').waitFor()
    await shots(page, 'agents-none')

    await page.getByRole('button', { name: 'Enrol a bastion' }).click()
    const dialog = page.getByRole('dialog')
    t.true(await dialog.getByRole('button', { name: 'Make the command' }).isDisabled(), 'it asks for a name')
    await dialog.getByLabel('Bastion').fill(bastion)
    await dialog.getByRole('button', { name: 'Make the command' }).click()
    await dialog.getByText('It works once').waitFor()
    const command = (await dialog.locator('pre').textContent()) ?? ''
    t.regex(command, /^\.\/bartizan agent enrol https:\/\/127\.0\.0\.1:\d+ --code \S{43} --ca-sha256 \w{64}$/)
    await shots(page, 'agents-code')
    await dialog.getByRole('button', { name: 'Done' }).click()
    await page.getByRole('button', { name: 'Enrol a bastion' }).click()
    t.false((await page.content()).includes('--code'), 'it is shown once')
    await page.keyboard.press('Escape')

    await enrolAndStart(t, command)
    await tellPosture(product)
    const row = page.getByRole('row').filter({ hasText: bastion })
    const { version } = JSON.parse(await readFile(join(import.meta.dirname, '../../package.json'), 'utf8'))
    await row.filter({ hasText: version }).filter({ hasText: 'sudo' }).waitFor()
    await until(
      async () => {
        await page.reload()
        await row.waitFor()
        return (await row.filter({ hasText: '1 fail, 2 warn' }).count()) === 1
      },
      { limitMs: 30_000, everyMs: 1_000, what: 'the findings' },
    )
    t.true(await row.getByText(/^until \d{4}-\d\d-\d\d$/).isVisible())
    await row.locator('summary').click()
    await shots(page, 'agents-one')

    await row.getByRole('button', { name: 'Revoke' }).click()
    t.true(await dialog.getByRole('button', { name: 'Revoke' }).isDisabled(), 'it asks for a reason')
    await dialog.getByLabel('Reason').fill('the machine was stolen')
    await shots(page, 'agents-revoke')
    await dialog.getByRole('button', { name: 'Revoke' }).click()
    await row.locator('summary').filter({ hasText: 'revoked' }).waitFor()
    await shots(page, 'agents-revoked')
    await checkRelays(t, product, page)

    await row.getByRole('link', { name: '1 fail, 2 warn' }).click()
    await page.getByRole('heading', { name: 'Events' }).waitFor()
    await page.getByText('mfa-required: fail').waitFor()
    t.is(await page.getByText('shared-account: warn').count(), 2)

    await signIn(page, product, 'auditor')
    await page.getByRole('link', { name: 'Agents' }).click()
    await row.waitFor()
    t.is(await page.getByRole('button', { name: /Enrol|Revoke/ }).count(), 0, 'an auditor reads')
    await signIn(page, product, 'analyst')
    t.is(await page.getByRole('link', { name: 'Agents' }).count(), 0)
    await page.goto(`http://127.0.0.1:${product.endpoints.httpPort}/agents`)
    await page.getByRole('alert').getByText('does not allow agent.list').waitFor()
    await shots(page, 'agents-refused')
  },
)
