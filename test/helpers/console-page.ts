import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { chromium, type Page } from 'playwright-core'
import type { Product } from './running.ts'
import { type Teardown, temporaryFolder } from './temporary-folder.ts'
import { patience } from './until.ts'

const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** By a one-time link, in place of whoever was signed in. */
export const signIn = async (page: Page, product: Pick<Product, 'api'>, role: string, name = 'dana'): Promise<void> => {
  const { url } = (await product.api('/api/login-links', {
    method: 'POST',
    body: JSON.stringify({ name, role }),
  })) as { url: string }
  await page.goto(url)
  await page.getByRole('heading', { name: 'Sessions' }).waitFor()
}

// A 404 of the first HEAD request says that nothing is stored yet.
const usual = /404|401/

/**
 * Chromium on the console, signed in by a one-time link as a person would. Problems of the page fail the test, but for
 * refusals whose line in the browser's console is `expected`.
 */
export const openConsole = async (
  t: Teardown,
  product: Pick<Product, 'api'>,
  { expected = usual }: { expected?: RegExp } = {},
): Promise<Page> => {
  const context = await chromium.launchPersistentContext(await temporaryFolder(t), {
    executablePath: '/usr/bin/chromium',
    headless: true,
    args: flags,
    viewport: { width: 1400, height: 900 },
  })
  t.teardown(() => context.close())
  context.setDefaultTimeout(30_000 * patience)
  const page = await context.newPage()
  const problems: string[] = []
  page.on('pageerror', (error) => problems.push(String(error)))
  page.on('console', (message) => {
    if (message.type() === 'error' && !expected.test(message.text())) problems.push(message.text())
  })
  t.teardown(() => {
    if (problems.length > 0) throw new Error(`the page had problems:\n${problems.join('\n')}`)
  })
  await signIn(page, product, 'admin')
  return page
}

/** Kept as CI output, to be looked at. */
export const screenshot = async (page: Page, name: string): Promise<void> => {
  const folder = process.env.BARTIZAN_TEST_OUTPUT
  if (!folder) return
  await mkdir(join(folder, 'screenshots'), { recursive: true })
  await page.screenshot({ path: join(folder, 'screenshots', `${name}.png`), fullPage: true })
}

/** Text on the player's terminal, row by row; the player splits wide glyphs, so white space is left out. */
export const terminalText = async (page: Page): Promise<string> =>
  ((await page.locator('.ap-term').textContent()) ?? '').replaceAll(/\s+/g, '')

/** What is marked on the player's screen, in order. */
export const markedOn = async (page: Page): Promise<string[]> =>
  (await page.evaluate(`[...(CSS.highlights.get('found') ?? [])].map(String)`)) as string[]

/** Where in the session it stands. */
export const clockOn = async (page: Page): Promise<string> =>
  ((await page.getByTestId('session-clock').textContent()) ?? '').split(' / ')[0]!
