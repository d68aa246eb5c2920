import test from 'ava'
import { openConsole, screenshot } from '#test/helpers/console-page.ts'
import { realTest } from '#test/helpers/real.ts'
import { type Product, startProduct } from '#test/helpers/running.ts'

const address = '198.51.100.9'

const send = async (product: Product, events: object[]): Promise<void> => {
  const body = events.map((event) => `${JSON.stringify(event)}\n`).join('')
  const headers = { 'content-type': 'application/x-ndjson' }
  const answer = (await product.api('/api/ingest/events', { method: 'POST', body, headers })) as { accepted: number }
  if (answer.accepted !== events.length) throw new Error(JSON.stringify(answer))
}

realTest(
  test,
  ['chromium'],
  'a guessed password stands in the queue with its reason, is decided on and suppressed, and leads to all about its user',
  async (t) => {
    t.timeout(10 * 60_000)
    const product = await startProduct(t, { env: { BARTIZAN_LOG_LEVEL: 'error' } })
    const page = await openConsole(t, product)
    await page.getByRole('link', { name: 'Alerts' }).click()
    await page.getByText('No alert matches').waitFor()
    await screenshot(page, 'alerts-none')

    const nowMs = Date.now()
    const about = { source: 'openssh', bastion: 'test-bastion', user: 'maria', sourceIp: address, sourcePort: 50_122 }
    const failures = Array.from({ length: 6 }, (_, n) => ({
      ...about,
      id: `failure-${n}-of-maria`,
      at: new Date(nowMs - (7 - n) * 5_000).toISOString(),
      kind: 'login_failed',
      method: 'password',
      reason: 'bad_password',
      outcome: 'failure',
    }))
    const login = {
      ...about,
      id: 'the login of maria',
      at: new Date(nowMs - 1_000).toISOString(),
      kind: 'login',
      method: 'password',
      outcome: 'success',
    }
    await send(product, [...failures, login])

    const row = page.getByRole('row').filter({ hasText: 'maria' }).filter({ hasText: address })
    await row.first().waitFor()
    t.is(await row.count(), 1)
    await screenshot(page, 'alerts-one')
    await row.locator('a[href^="/alerts/"]').click()
    await page.getByRole('heading', { name: 'Why' }).waitFor()
    await page.getByText('Nobody has decided anything yet.').waitFor()
    await screenshot(page, 'alert')

    await page.getByRole('button', { name: 'False positive' }).click()
    const dialog = page.getByRole('dialog')
    t.true(await dialog.getByRole('button', { name: 'False positive' }).isDisabled(), 'it asks for a reason')
    await dialog.getByLabel('Reason').fill('maria has a new keyboard')
    await dialog.getByRole('button', { name: 'False positive' }).click()
    await page.getByRole('list', { name: 'Decisions' }).getByText('maria has a new keyboard').waitFor()
    await page.getByText('false positive', { exact: true }).waitFor()
    await screenshot(page, 'alert-decided')

    await page.getByRole('button', { name: 'Suppress' }).click()
    const suppress = dialog.getByRole('button', { name: 'Suppress' })
    await dialog.getByLabel('Reason').fill('her keyboard is on its way')
    await dialog.getByLabel('of user maria').uncheck()
    await dialog.getByText('Choose at least one').waitFor()
    t.true(await suppress.isDisabled(), 'nobody switches a rule off for everybody')
    await dialog.getByLabel('of user maria').check()
    await suppress.click()
    await page.getByText('Suppressed: it wakes nobody').waitFor()
    await page.getByText('her keyboard is on its way (dana, until').waitFor()

    await page.getByRole('link', { name: 'maria', exact: true }).first().click()
    await page.getByRole('heading', { name: 'maria' }).waitFor()
    await page.locator('.hour-map-cell[data-count="1"]').waitFor()
    await page.getByRole('link', { name: address, exact: true }).waitFor()
    await screenshot(page, 'user')
    await page.getByRole('link', { name: address, exact: true }).click()
    await page.getByRole('heading', { name: 'Events' }).waitFor()
    await page.getByRole('row').filter({ hasText: 'login_failed' }).first().waitFor()
    await screenshot(page, 'events-of-address')
  },
)
