import test from 'ava'
import { openConsole, screenshot, terminalText } from '#test/helpers/console-page.ts'
import { realTest } from '#test/helpers/real.ts'
import { startProduct, untilSealed } from '#test/helpers/running.ts'
import { connectSudoClient, loginInfos } from '#test/helpers/sudo-client.ts'
import { until } from '#test/helpers/until.ts'

const env = { BARTIZAN_INGEST_BLOCK_MAX_MS: '1000', BARTIZAN_LOG_LEVEL: 'error' }

realTest(
  test,
  ['chromium'],
  'a session stands in the console while it runs, is found by a command, and plays in Chromium',
  async (t) => {
    t.timeout(10 * 60_000)
    const product = await startProduct(t, { env })
    const page = await openConsole(t, product)
    await screenshot(page, 'sessions-empty')

    const client = await connectSudoClient(product.endpoints.sudoPort)
    client.accept(loginInfos({ submituser: 'alice', runuser: 'alice' }))
    const id = await client.logId()
    const type = (keys: string, echo = keys) => {
      for (const [index, key] of [...keys].entries()) {
        client.io('ttyinBuf', key, 80_000_000n)
        client.io('ttyoutBuf', key === '\r' ? '\r\n' : ([...echo][index] ?? ''), 1_000_000n)
      }
    }
    client.io('ttyoutBuf', 'alice@jump:~$ ', 1_000_000_000n)
    type('echo first-screen\r')
    client.io('ttyoutBuf', 'first-screen\r\nalice@jump:~$ ', 1_000_000_000n)
    type('clear\r')
    client.io('ttyoutBuf', '\u001b[H\u001b[2Jsecond-screen 世界\r\nalice@jump:~$ ', 2_000_000_000n)

    await page.getByText('live').first().waitFor()
    await screenshot(page, 'sessions-live')
    client.winsize(30, 100, 500_000_000n)
    client.io('ttyoutBuf', '\u001b[H\u001b[2J\u001b[31mthird-screen\u001b[0m\r\n', 2_000_000_000n)
    client.exit()
    await client.committed()
    await untilSealed(product, id)

    await page.getByRole('textbox', { name: 'Search' }).fill('cmd:"echo first-screen"')
    await page.keyboard.press('Enter')
    const hit = page.locator(`a[href^="/sessions/${id}?t="]`)
    await hit.waitFor()
    await screenshot(page, 'sessions-found')
    await hit.click()
    await page.locator('.ap-term').waitFor()
    await page.getByRole('list', { name: 'Commands' }).getByText('echo first-screen').waitFor()
    await screenshot(page, 'session')

    for (const [t3, text] of [
      ['3.5', 'first-screen'],
      ['6', 'second-screen世界'],
      ['9', 'third-screen'],
    ] as const) {
      await page.goto(`http://127.0.0.1:${product.endpoints.httpPort}/sessions/${id}?t=${Number(t3) * 1000}`)
      await until(async () => (await terminalText(page)).includes(text), {
        what: `the screen at ${t3} s shows ${text}`,
      })
      await screenshot(page, `session-at-${t3}s`)
      t.regex(await page.title(), /^alice on .* · Bartizan$/)
    }
  },
)

realTest(test, ['chromium'], 'a click on a command plays from there; UTC and local time switch', async (t) => {
  t.timeout(10 * 60_000)
  const product = await startProduct(t, { env })
  const client = await connectSudoClient(product.endpoints.sudoPort)
  client.accept(loginInfos())
  const id = await client.logId()
  client.io('ttyoutBuf', '$ ', 1_000_000_000n)
  for (const line of ['uptime', 'hostname']) {
    for (const key of `${line}\r`) {
      client.io('ttyinBuf', key, 500_000_000n)
      client.io('ttyoutBuf', key === '\r' ? '\r\n' : key, 1_000_000n)
    }
    client.io('ttyoutBuf', `output of ${line}\r\n$ `, 100_000_000n)
  }
  client.exit()
  await client.committed()
  await untilSealed(product, id)

  const page = await openConsole(t, product)
  await page.goto(`http://127.0.0.1:${product.endpoints.httpPort}/sessions/${id}`)
  await page.locator('.ap-term').waitFor()
  t.is(await page.getByRole('button', { name: 'Share' }).count(), 0, 'links for people without an account are off')
  await page.getByRole('list', { name: 'Commands' }).getByText('hostname').click()
  const shown = () => terminalText(page)
  await until(async () => (await shown()).includes('$hostname'), { what: 'jumped to hostname' })
  t.true((await shown()).includes('outputofuptime'))
  await until(async () => (await shown()).includes('outputofhostname'), { what: 'it plays on' })

  const started = page.locator('time').first()
  const utc = (await started.textContent()) ?? ''
  await page.getByText('Local', { exact: true }).click()
  const local = (await started.textContent()) ?? ''
  t.regex(utc, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/)
  t.regex(local, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/)
  await screenshot(page, 'session-local-time')

  await page.getByRole('link', { name: 'Events', exact: true }).click()
  await page.getByRole('row').filter({ hasText: 'session_ended' }).first().waitFor()
  t.is(await page.getByText(`session.view · ${id}`).count(), 0, 'what readers do stands in the list when asked for')
  await page.getByRole('combobox', { name: 'Kind' }).click()
  await page.getByRole('option', { name: 'access' }).click()
  await page.getByText(`session.view · ${id}`).first().waitFor()
  await screenshot(page, 'events')
})
