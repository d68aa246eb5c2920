import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import type { Page } from 'playwright-core'
import { encodeStatement, statementKeyOf } from '#services/coverage/statement-format.ts'
import { obtainLogSigner } from '#services/keys/log-key.ts'
import { createLogger } from '#services/log.ts'
import { createFileRecordingStore } from '#services/recordings/file-recording-store.ts'
import { Statement } from '#services/schema/statement.ts'
import { openConsole, screenshot, signIn, terminalText } from '#test/helpers/console-page.ts'
import { realTest } from '#test/helpers/real.ts'
import { sessionsOf } from '#test/helpers/recorded.ts'
import { type Product, startProduct, untilSealed } from '#test/helpers/running.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'

const expected = /401|403|404|410|428/
const policy = 'access:\n  reason: required\n  secondPerson:\n    - users: [vic]\n'
const cast = {
  ...{ version: 1, width: 80, height: 24, duration: 1, command: 'top', title: '', env: {} },
  stdout: [[0, 'one\r\n']],
}

/** As sshd logs somebody whom no recorder records. */
const unrecordedLogin = (): string => {
  const at = new Date(Date.now() - 300_000).toISOString()
  const from = 'from 192.0.2.7 port 50001'
  return [
    `Connection ${from} on 10.0.0.1 port 22 rdomain ""`,
    `Accepted publickey for carol ${from} ssh2: ED25519 SHA256:mVPwvezndPv/ARoIadVY98vAC0g+P/5633yTC4d/wXE`,
    `Starting session: shell on pts/1 for carol ${from} id 0`,
  ]
    .map((line) => `${at} bastion sshd[4711]: ${line}\n`)
    .join('')
}

const cleanUps: (() => unknown)[] = []
test.after.always(async () => {
  for (const cleanUp of cleanUps.reverse()) await cleanUp()
})
let started: Promise<Product> | undefined
/** One for all tests of this file: each has sessions and a bastion of its own. */
const start = (): Promise<Product> => {
  const all = { teardown: (cleanUp: () => unknown) => void cleanUps.push(cleanUp) }
  const startIt = async (): Promise<Product> => {
    const folder = await temporaryFolder(all)
    const [BARTIZAN_CONFIG, BARTIZAN_OPENSSH_LOG] = [join(folder, 'bartizan.yaml'), join(folder, 'sshd.log')]
    await writeFile(BARTIZAN_CONFIG, policy)
    await writeFile(BARTIZAN_OPENSSH_LOG, unrecordedLogin())
    const soon = { BARTIZAN_DETECTORS_RECORDING_GAP_GRACE_MS: '1000', BARTIZAN_LOG_LEVEL: 'error' }
    return startProduct(all, { env: { BARTIZAN_CONFIG, BARTIZAN_OPENSSH_LOG, ...soon } })
  }
  started ??= startIt()
  return started
}

const startedAt = new Date(Date.now() - 60_000).toISOString()

const uploaded = async (product: Product, user: string, bastion = `jump-${user}`): Promise<string> => {
  const query = new URLSearchParams({ format: 'asciicast', bastion, user, start: startedAt })
  await product.api(`/api/ingest/recordings?${query}`, { method: 'POST', body: JSON.stringify(cast) })
  let id: string | undefined
  await until(
    async () => {
      id = (await sessionsOf(product, `user=${user}`))[0]?.id
      return id !== undefined
    },
    { limitMs: 60_000, what: `the session of ${user}` },
  )
  await untilSealed(product, id!)
  return id!
}

const shots = async (page: Page, name: string): Promise<void> => {
  await screenshot(page, name)
  await page.emulateMedia({ colorScheme: 'dark' })
  await screenshot(page, `${name}-dark`)
  await page.emulateMedia({ colorScheme: 'light' })
}

const post = (product: Product, path: string, body: object): Promise<unknown> =>
  product.api(path, { method: 'POST', body: JSON.stringify(body) })

const sayWhy = async (page: Page, reason: string): Promise<void> => {
  await page.getByText('Why do you want to see this?').waitFor()
  await page.getByLabel('Reason').fill(reason)
  await page.getByRole('button', { name: 'Show it' }).click()
}

const played = (page: Page): Promise<void> =>
  until(async () => (await terminalText(page)).length > 0, { limitMs: 30_000, what: 'the terminal' })

type Access = { items: { action: string; object: string | null; reason: string | null }[] }

/** The reasons in the audit trail, each once, as soon as replay and export stand there. */
const reasonsOf = async (product: Product, id: string): Promise<(string | null)[]> => {
  const headers = { 'x-bartizan-reason': 'the test' }
  let found: Access['items'] = []
  await until(
    async () => {
      const { items } = (await product.api('/api/events?kind=access&limit=100', { headers })) as Access
      found = items.filter(({ object, action }) => object === id && /^session.(replay|export)/.test(action))
      return ['session.replay', 'session.export.txt'].every((one) => found.some(({ action }) => action === one))
    },
    { limitMs: 30_000, what: 'the audit trail' },
  )
  return [...new Set(found.map(({ reason }) => reason))]
}

type Approvals = { items: { id: string; subject: string }[] }

realTest(
  test,
  ['chromium'],
  'content is shown for a reason, and with leave of another person, who decides on a page of its own',
  async (t) => {
    t.timeout(10 * 60_000)
    const product = await start()
    const [uma, vic] = [await uploaded(product, 'uma'), await uploaded(product, 'vic')]
    const at = (path: string) => `http://127.0.0.1:${product.endpoints.httpPort}${path}`
    const page = await openConsole(t, product, { expected })
    await signIn(page, product, 'analyst', 'erin')

    await page.goto(at(`/sessions/${uma}?t=900`))
    t.is(await page.getByTestId('player').count(), 0)
    await shots(page, 'content-asks-why')
    await sayWhy(page, 'ticket 4711, für Zoë')
    await played(page)
    await page.getByRole('button', { name: 'Export' }).click()
    const link = await page.getByRole('menuitem', { name: /^Text/ }).getAttribute('href')
    await page.keyboard.press('Escape')
    const exported = await page.request.get(at(link!))
    t.is(exported.status(), 200)
    t.deepEqual(await reasonsOf(product, uma), ['ticket 4711, für Zoë'])

    await page.getByRole('link', { name: 'Events', exact: true }).click()
    await sayWhy(page, 'ticket 4711')
    await page.getByText(/\d events/).waitFor()

    await page.goto(at(`/sessions/${vic}?t=900`))
    await sayWhy(page, 'ticket 4712')
    await page.getByText('A second person has to agree').waitFor()
    await page.getByRole('button', { name: 'Ask for leave' }).click()
    const dialog = page.getByRole('dialog')
    t.true(await dialog.getByRole('button', { name: 'Ask' }).isDisabled(), 'it asks for a reason')
    await dialog.getByLabel('Reason').fill('the incident of tonight')
    await dialog.getByRole('button', { name: 'Ask' }).click()
    await page.getByText('It was asked for.').waitFor()
    await shots(page, 'content-asks-leave')
    t.is(await page.getByTestId('player').count(), 0)

    const { items: open } = (await product.api('/api/approvals?state=open')) as Approvals
    t.is(open.length, 1)
    await post(product, `/api/approvals/${open[0]!.id}`, { decision: 'approved', reason: 'go ahead' })
    await page.getByRole('button', { name: 'Try again' }).click()
    await played(page)

    await page.getByRole('link', { name: 'Approvals' }).click()
    await page.getByText('Nothing waits for a second person.').waitFor()
    await post(product, `/api/sessions/${vic}/access`, { reason: 'a check of the year' })
    await signIn(page, product, 'auditor', 'frida')
    await page.getByRole('link', { name: 'Approvals' }).click()
    const row = page.getByRole('row').filter({ hasText: 'a check of the year' })
    await row.getByRole('button', { name: 'Refuse' }).click()
    t.true(await dialog.getByRole('button', { name: 'Refuse' }).isDisabled(), 'it asks for a reason')
    await dialog.getByLabel('Reason').fill('once is enough')
    await shots(page, 'approvals-refuse')
    await dialog.getByRole('button', { name: 'Refuse' }).click()
    await page.getByText('Nothing waits for a second person.').waitFor()
    await page.getByText('All', { exact: true }).click()
    await row.getByText('once is enough').waitFor()
    await shots(page, 'approvals-all')
  },
)

const ask = async (page: Page, button: string, reason: string, confirm = button): Promise<void> => {
  await page.getByRole('button', { name: button, exact: true }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Reason').fill(reason)
  await dialog.getByRole('button', { name: confirm, exact: true }).click()
  await dialog.waitFor({ state: 'detached' })
}

realTest(
  test,
  ['chromium'],
  'a session is held, the hold is lifted and the session erased by two people each, and the console says how it stands',
  async (t) => {
    t.timeout(10 * 60_000)
    const product = await start()
    const xena = await uploaded(product, 'xena')
    const at = (path: string) => `http://127.0.0.1:${product.endpoints.httpPort}${path}`
    const page = await openConsole(t, product, { expected })
    const custody = page.getByRole('region', { name: 'Custody' })
    const decide = async (name: string, row: string): Promise<void> => {
      await signIn(page, product, 'auditor', name)
      await page.getByRole('link', { name: 'Approvals' }).click()
      await page.getByRole('row').filter({ hasText: row }).getByRole('button', { name: 'Approve' }).waitFor()
      await ask(page, 'Approve', `${name} agrees`)
      await page.getByText('Nothing waits for a second person.').waitFor()
    }

    await page.goto(at(`/sessions/${xena}`))
    await custody.getByText('Not held').waitFor()
    await ask(page, 'Hold', 'the case of the missing keys')
    await custody.getByText('held', { exact: true }).waitFor()
    await custody.getByText('the case of the missing keys').waitFor()
    t.is(await page.getByRole('button', { name: 'Ask to erase' }).count(), 0, 'what is held cannot be erased')
    await ask(page, 'Ask to lift the hold', 'the case is closed')
    await custody.getByText('It was asked for').waitFor()
    await shots(page, 'custody-held')
    await page.getByRole('link', { name: 'Approvals' }).click()
    await page.getByText('Yours: another person decides.').waitFor()
    await shots(page, 'approvals-yours')
    await decide('frida', 'the case is closed')

    await signIn(page, product, 'custodian', 'carl')
    await page.goto(at(`/sessions/${xena}`))
    await page.getByRole('heading', { name: 'Custody of a session' }).waitFor()
    await custody.getByText('lifted').waitFor()
    await custody.getByText('Not held').waitFor()
    t.is(await page.getByTestId('player').count(), 0, 'who keeps evidence sees no content')
    await ask(page, 'Ask to erase', 'xena asked for it')
    await custody.getByText('It was asked for').waitFor()
    await shots(page, 'custody-custodian')
    await decide('frida', 'xena asked for it')
    await page.goto(at(`/sessions/${xena}`))
    await custody.getByText(/^eras(ing|ed)$/).waitFor()
    await custody.getByText('carl asked, frida agreed: xena asked for it').waitFor()
    await page.getByText('What was recorded here was erased.').waitFor()
    t.is(await page.getByTestId('player').count(), 0)
    t.is(await page.getByRole('button', { name: 'Export' }).count(), 0)
    await shots(page, 'custody-erased')
  },
)

/** As the product does in the night. @returns its bytes */
const stateYesterday = async ({ data }: Product): Promise<Buffer> => {
  const at = new Date()
  const statement = Statement.parse({
    ...{ format: 1, bastion: 'jump-0', number: 1, at: at.toISOString(), replaces: null, listed: [], unlisted: 1 },
    ...{ date: new Date(at.getTime() - 86_400_000).toISOString().slice(0, 10), seen: 1, complete: 0, open: 0 },
    ...{ gaps: { missing: 1, truncated: 0, recorder_killed: 0, late: 0, tunnel_only: 0 }, agentSilentMs: 0 },
  })
  const bytes = encodeStatement(statement, await obtainLogSigner(join(data, 'keys')))
  const store = await createFileRecordingStore({ folder: data, immutable: false, log: createLogger('test', 'silent') })
  await store.put(statementKeyOf(statement), bytes, { retainUntil: new Date(at.getTime() + 86_400_000) })
  await store.close()
  return Buffer.from(bytes)
}

realTest(
  test,
  ['chromium'],
  'the page of coverage says by bastion and day what is whole, and leads from a gap to its sessions; a signed statement is saved byte for byte',
  async (t) => {
    t.timeout(10 * 60_000)
    const product = await start()
    const stated = await stateYesterday(product)
    await uploaded(product, 'wim')
    await until(async () => (await sessionsOf(product, 'user=carol&state=missing')).length === 1, {
      limitMs: 60_000,
      what: 'the login without a recording',
    })
    const page = await openConsole(t, product, { expected })
    await signIn(page, product, 'oncall')
    await page.getByRole('link', { name: 'Coverage' }).click()
    const rowOf = (bastion: string) =>
      page.getByRole('row').filter({ has: page.getByRole('rowheader', { name: bastion }) })
    await rowOf('jump-wim').getByText('1/1').waitFor()
    await rowOf('test-bastion').getByText('0/1').waitFor()
    t.is(
      await rowOf('jump-wim')
        .getByRole('link', { name: /missing|truncated|late/ })
        .count(),
      0,
    )
    await page.getByText('1 seen, 0 complete, 1 missing').waitFor()
    const saving = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Save the signed statement' }).click()
    t.deepEqual(await readFile(await (await saving).path()), stated)
    await shots(page, 'coverage')
    await rowOf('test-bastion').getByRole('link', { name: '1 missing' }).press('Enter')
    await page.getByRole('heading', { name: 'Sessions' }).waitFor()
    await page.getByText('1 session', { exact: true }).waitFor()
    await page.getByRole('row').filter({ hasText: 'carol' }).filter({ hasText: 'missing' }).waitFor()
    await shots(page, 'coverage-gap')
  },
)
