import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import test from 'ava'
import type { BrowserContext, Page } from 'playwright-core'
import { clockOn, markedOn, openConsole, screenshot, terminalText } from '#test/helpers/console-page.ts'
import { realTest } from '#test/helpers/real.ts'
import { type Product, startProduct, untilSealed } from '#test/helpers/running.ts'
import { connectSudoClient, loginInfos, type SudoClient } from '#test/helpers/sudo-client.ts'
import { until } from '#test/helpers/until.ts'

const env = { BARTIZAN_INGEST_BLOCK_MAX_MS: '1000', BARTIZAN_LOG_LEVEL: 'error', BARTIZAN_ACCESS_SHARES: 'true' }
const limitMs = 30_000
const second = 1_000_000_000n

const cleanUps: (() => unknown)[] = []
const all = { teardown: (cleanUp: () => unknown) => void cleanUps.push(cleanUp) }
test.after.always(async () => {
  for (const cleanUp of cleanUps.reverse()) await cleanUp()
})

type Place = { product: Product; page: Page; at: (path: string) => string }
let started: Promise<Place> | undefined
/** One product and one browser for all tests of this file: each has a user of its own. */
const start = (): Promise<Place> => {
  const startBoth = async (): Promise<Place> => {
    const product = await startProduct(all, { env })
    const page = await openConsole(all, product, { expected: /400|401|404/ })
    return { product, page, at: (path) => `http://127.0.0.1:${product.endpoints.httpPort}${path}` }
  }
  started ??= startBoth()
  return started
}

const opened = async ({ endpoints }: Product, user: string): Promise<{ client: SudoClient; id: string }> => {
  const client = await connectSudoClient(endpoints.sudoPort)
  client.accept(loginInfos({ submituser: user, runuser: user }))
  return { client, id: await client.logId() }
}
const run = (client: SudoClient, line: string, output: string): void => {
  for (const key of `${line}\r`) {
    client.io('ttyinBuf', key, 80_000_000n)
    client.io('ttyoutBuf', key === '\r' ? '\r\n' : key, 1_000_000n)
  }
  client.io('ttyoutBuf', `${output}\r\n$ `, second / 2n)
}
const sealed = async (product: Product, { client, id }: { client: SudoClient; id: string }): Promise<void> => {
  client.exit()
  await client.committed()
  await untilSealed(product, id)
}

type Hits = { items: { sessionId: string; atMs: number; in: string }[] }
const hitsOf = async ({ api }: Product, q: string): Promise<Hits['items']> =>
  ((await api(`/api/search?${new URLSearchParams({ q })}`)) as Hits).items
const untilFound = (product: Product, q: string): Promise<void> =>
  until(async () => (await hitsOf(product, q)).length > 0, { limitMs, what: `a hit of ${q}` })

const shows = (page: Page, text: string): Promise<void> =>
  until(async () => (await terminalText(page)).includes(text), { limitMs, what: `the screen shows ${text}` })
const untilOpen = (page: Page): Promise<void> =>
  page.locator('.replay:is([data-status="paused"], [data-status="ended"])').waitFor()
const position = async (page: Page): Promise<{ now: number; max: number }> => {
  const bar = page.getByRole('slider', { name: 'Position' })
  const [now, max] = await Promise.all(['aria-valuenow', 'aria-valuemax'].map((name) => bar.getAttribute(name)))
  return { now: Number(now), max: Number(max) }
}

realTest(
  test,
  ['chromium'],
  'what was on the screen is found, its hit opens the replay there with the words marked, and keys lead through it',
  async (t) => {
    t.timeout(10 * 60_000)
    const { product, page, at } = await start()
    const session = await opened(product, 'alice')
    const { client, id } = session
    client.io('ttyoutBuf', '$ ', second)
    run(client, 'ls /srv', 'a  b')
    // Words with colours and a backspace in between, in a full-screen program.
    client.io('ttyoutBuf', '\u001b[?1049h\u001b[H\u001b[2J', second)
    client.io('ttyoutBuf', '\u001b[5;3Hpass\u001b[31mword f\u001b[0mx\boobar in vim', second)
    client.io('ttyoutBuf', '\u001b[?1049l', second)
    client.io('ttyoutBuf', 'after a long pause\r\n', 120n * second)
    client.winsize(30, 100, second)
    run(client, 'uptime', 'up 3 days')
    await sealed(product, session)
    await untilFound(product, 'screen:"password foobar"')

    await page.goto(at('/sessions'))
    const box = page.getByRole('textbox', { name: 'Search' })
    await page.locator('body').click()
    await page.keyboard.press('/')
    await page.keyboard.type('use')
    await page.getByRole('option', { name: /^user:/ }).waitFor()
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    await page.keyboard.type('al')
    await page.getByRole('option', { name: 'alice' }).waitFor()
    await screenshot(page, 'search-completion')
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    t.is(await box.inputValue(), 'user:alice ')
    await page.keyboard.type('(')
    await page.keyboard.press('Enter')
    await page.getByRole('alert').locator('mark').waitFor()
    await screenshot(page, 'search-mistake')
    await box.fill('usr:alice screen:"password foobar"')
    await page.keyboard.press('Enter')
    await page.getByRole('status', { name: 'Hints' }).getByText('no field usr').waitFor()
    await screenshot(page, 'search-hint')
    await page.getByRole('button', { name: 'user:', exact: true }).click()
    await page.locator('mark', { hasText: 'password foobar' }).waitFor()
    t.regex(page.url(), /q=user/)
    await page.getByRole('complementary', { name: 'Facets' }).getByText('alice').waitFor()
    await screenshot(page, 'search')

    await box.focus()
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    const openedAt = performance.now()
    await until(async () => (await markedOn(page)).length > 0, { limitMs, what: 'words marked on the screen' })
    t.log(`from the hit to its words on the screen: ${Math.round(performance.now() - openedAt)} ms`)
    t.deepEqual(await markedOn(page), ['password foobar'])
    await screenshot(page, 'session-hit')
    const [hit] = await hitsOf(product, 'user:alice screen:"password foobar"')
    t.is(new URL(page.url()).searchParams.get('t'), String(hit!.atMs))

    await page.keyboard.press('End')
    await shows(page, 'up3days')
    await page.getByText('100×30').waitFor()
    t.deepEqual(await markedOn(page), [])
    await page.keyboard.press('p')
    await until(async () => (await markedOn(page)).length > 0, { limitMs, what: 'back at the hit' })
    await page.keyboard.press('Home')
    await until(async () => (await position(page)).now === 0, { limitMs, what: 'the beginning' })
    await page.keyboard.press('.')
    await until(async () => (await position(page)).now > 0, { limitMs, what: 'a step' })
    await page.keyboard.press('?')
    await page.getByRole('dialog').getByText('play or pause').waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'hidden' })

    const short = await position(page)
    const box2 = (await page.getByRole('slider', { name: 'Position' }).boundingBox())!
    await page.mouse.click(box2.x + box2.width * 0.999, box2.y + box2.height / 2)
    await shows(page, 'afteralongpause')
    const clock = await clockOn(page)
    await page.keyboard.press('s')
    await until(async () => (await position(page)).max > short.max + 100_000, { limitMs, what: 'the pause in full' })
    await until(async () => (await clockOn(page)) === clock, { limitMs, what: 'the same moment of the session' })
    await shows(page, 'afteralongpause')
    t.true((await position(page)).max > 120_000 && short.max < 30_000)
    await page.keyboard.press('s')

    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
    await page.keyboard.press('c')
    await page.getByText('The link is copied').waitFor()
    const link = String(await page.evaluate('navigator.clipboard.readText()'))
    t.true(link.startsWith(at(`/sessions/${id}?t=`)), link)
    await page.getByRole('list', { name: 'Commands' }).getByText('ls /srv').click()
    await page.locator('[aria-current]').getByText('ls /srv').waitFor()
  },
)

const hostile = [
  '\u001b]0;pwned title\u0007\u001b]2;pwned\u001b\\',
  '\u001b]52;c;cHduZWQ=\u0007\u001b]52;p;cHduZWQ=\u001b\\',
  '\u001b]8;;javascript:document.title="pwned"\u0007click me\u001b]8;;\u0007\r\n',
  '<script>document.title="pwned"</script><img src=x onerror=document.title="pwned">\r\n',
  '\u202egnp.exe\u202c \u2066hidden\u2069\r\n',
  '\u009d0;pwned\u009c \u009b31m\u0090q\u009c\r\n',
  `\u001b]0;${'x'.repeat(40_000)}`,
  '\u0007done\r\n',
]

realTest(test, ['chromium'], 'hostile output is only text: nothing runs, clipboard and title stay', async (t) => {
  t.timeout(10 * 60_000)
  const { product, page, at } = await start()
  const session = await opened(product, 'mallory')
  for (const output of hostile) session.client.io('ttyoutBuf', output, second / 10n)
  session.client.io('ttyoutBuf', Buffer.from([0xff, 0xfe, 0xc0, 0x9b, 0x90, 0x0a]), second / 10n)
  session.client.io('ttyoutBuf', 'the end', second / 10n)
  await sealed(product, session)

  await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
  await page.goto(at(`/sessions/${session.id}`))
  await page.evaluate('navigator.clipboard.writeText("mine")')
  await page.locator('.ap-term').waitFor()
  const title = await page.title()
  await page.keyboard.press(' ')
  await shows(page, 'theend')
  const shown = await terminalText(page)
  t.true(shown.includes('<script>'))
  t.is(await page.title(), title)
  t.is(await page.evaluate('navigator.clipboard.readText()'), 'mine')
  t.is(await page.locator('.ap-term script, .ap-term img, .ap-term a').count(), 0)
  await screenshot(page, 'session-hostile')
})

realTest(test, ['chromium'], 'a running session is watched live, and its past goes on into it', async (t) => {
  t.timeout(10 * 60_000)
  const { product, page, at } = await start()
  const { client, id } = await opened(product, 'bob')
  client.io('ttyoutBuf', '$ first words\r\n', second)
  await until(async () => (await product.raw(`/api/sessions/${id}`)).ok, {
    limitMs,
    what: 'the session in the catalog',
  })
  await page.goto(at(`/sessions/${id}`))
  await page.getByTestId('live').waitFor()
  await shows(page, 'firstwords')
  client.io('ttyoutBuf', 'while somebody watches\r\n', second / 10n)
  await shows(page, 'whilesomebodywatches')
  await page
    .getByTestId('lag')
    .getByText(/after it was written/)
    .waitFor()
  await screenshot(page, 'session-watched-live')

  await page.keyboard.press(' ')
  await untilOpen(page)
  await page.keyboard.press('End')
  await shows(page, 'firstwords')
  client.io('ttyoutBuf', 'and some more\r\n', second / 10n)
  await page.keyboard.press('l')
  await page.getByTestId('live').waitFor()
  await shows(page, 'andsomemore')
  t.is((await terminalText(page)).split('firstwords').length, 2, 'nothing twice')

  await sealed(product, { client, id })
  await untilOpen(page)
  await page.keyboard.press('End')
  await shows(page, 'andsomemore')
})

/** Somebody else's browser: no cookie of the console. */
const stranger = async (page: Page): Promise<{ context: BrowserContext; guest: Page }> => {
  const context = await page.context().browser()!.newContext()
  return { context, guest: await context.newPage() }
}

realTest(test, ['chromium'], 'a part that is shared opens without an account, is cut, and is taken back', async (t) => {
  t.timeout(10 * 60_000)
  const { product, page, at } = await start()
  const session = await opened(product, 'carol')
  session.client.io('ttyoutBuf', 'before the part\r\n\u001b[2J\u001b[H', second)
  session.client.io('ttyoutBuf', 'within the part\r\n', 9n * second)
  session.client.io('ttyoutBuf', 'behind the part\r\n', 20n * second)
  await sealed(product, session)

  await page.goto(at(`/sessions/${session.id}`))
  await page.locator('.ap-term').waitFor()
  await page.getByRole('button', { name: 'Share' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('From').fill('0:08')
  await dialog.getByLabel('To', { exact: false }).fill('0:15')
  await dialog.getByLabel('Reason').fill('for the vendor')
  await dialog.getByRole('button', { name: 'Make a link' }).click()
  const link = await dialog.getByLabel('The link').inputValue()
  await screenshot(page, 'share')

  const { context, guest } = await stranger(page)
  await guest.goto(link)
  await guest.getByText('carol on').waitFor()
  await untilOpen(guest)
  await guest.keyboard.press('End')
  await shows(guest, 'withinthepart')
  t.false((await terminalText(guest)).includes('behind'))
  t.is(new URL(guest.url()).hash, '', 'the secret leaves the address bar')
  t.is(await guest.getByRole('link').count(), 0, 'nothing leads into the console')
  await screenshot(guest, 'shared')

  await dialog.getByRole('button', { name: 'Take back' }).click()
  await dialog.getByText('taken back').waitFor()
  await guest.goto('about:blank')
  await guest.goto(link)
  await guest.getByText('This link does not open').waitFor()
  await context.close()
})

realTest(
  test,
  ['chromium'],
  'a session whose screen was given up says what that means, and is played (it is given up by hand)',
  async (t) => {
    t.timeout(10 * 60_000)
    const { product, page, at } = await start()
    const session = await opened(product, 'walter')
    session.client.io('ttyoutBuf', 'it plays all the same', second)
    await sealed(product, session)
    await untilFound(product, 'screen:"plays all the same"')
    const database = new DatabaseSync(join(product.data, 'catalog.db'))
    const reason = 'its output broke <b>the emulation</b>'
    database.prepare('UPDATE screen_session SET unavailable = ? WHERE session_id = ?').run(reason, session.id)
    database.close()
    await page.goto(at(`/sessions/${session.id}`))
    const notice = page.getByRole('alert').filter({ hasText: 'What was on its screen is not known' })
    t.true((await notice.textContent())?.includes(reason))
    await untilOpen(page)
    await page.keyboard.press('End')
    await shows(page, 'itplaysallthesame')
    await screenshot(page, 'session-screen-unavailable')
  },
)

realTest(
  test,
  ['chromium'],
  'what was shown in the very first millisecond is on the screen of a hit there',
  async (t) => {
    t.timeout(10 * 60_000)
    const { product, page, at } = await start()
    const session = await opened(product, 'frank')
    session.client.io('ttyoutBuf', 'first of all\r\n', 400_000n)
    session.client.io('ttyoutBuf', 'and more', 3n * second)
    await sealed(product, session)
    await untilFound(product, 'screen:"first of all"')
    const [hit] = await hitsOf(product, 'screen:"first of all"')
    t.is(hit?.atMs, 0)
    await page.goto(at(`/sessions/${session.id}?t=0&q=first`))
    await untilOpen(page)
    await shows(page, 'firstofall')
    t.false((await terminalText(page)).includes('andmore'))
  },
)
