import { randomBytes } from 'node:crypto'
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { isUnended, type Session } from '#services/schema/session.ts'
import { type Bastion, bastionPrograms, startBastion } from '#test/helpers/bastion.ts'
import type { Account } from '#test/helpers/bastion-accounts.ts'
import type { Shell } from '#test/helpers/bastion-client.ts'
import { bringHome } from '#test/helpers/cluster-product.ts'
import { openConsole, screenshot, terminalText } from '#test/helpers/console-page.ts'
import { realTest } from '#test/helpers/real.ts'
import { bytesOf, exported, sessionsOf } from '#test/helpers/recorded.ts'
import { type Product, startProduct } from '#test/helpers/running.ts'
import { evidenceHolding, filesHolding } from '#test/helpers/secret-search.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'

const programs = [...bastionPrograms, 'vim', 'python3', 'perl', 'chromium']
const notice = 'This session is recorded.\n'

type Command = { atMs: number; line: string; argv: string[]; via: string; startup: boolean }

/** Types a line and waits until the shell is back at its prompt. */
const run = async (shell: Shell, line: string): Promise<void> => {
  shell.mark()
  shell.type(`${line}\r`)
  await shell.waitFor(/\n[^\n]*\$ $/)
}

/** Types key by key as a person does, who waits to see it. */
const typeSeen = async (shell: Shell, text: string): Promise<void> => {
  for (const key of text) {
    const before = shell.received().length
    shell.type(key)
    await until(() => shell.received().length > before, { what: `answer to ${JSON.stringify(key)}` })
  }
}

const enterSecret = async (shell: Shell, command: string, prompt: string, secret: string): Promise<void> => {
  shell.mark()
  shell.type(`${command}\r`)
  await shell.waitFor(new RegExp(`[\r\n]${prompt}$`))
  shell.type(`${secret}\r`)
  await shell.waitFor(`length ${secret.length}`)
}

const useShell = async (bastion: Bastion, user: Account, bigFile: string, secrets: string[]): Promise<Shell> => {
  const shell = await bastion.shell(user, { cols: 100, rows: 30 })
  await shell.waitFor('$ ')
  await run(shell, 'echo marker-one\x7f\x7f\x7fedited')
  await run(shell, '\x1b[A again')
  shell.resize(120, 40)
  await run(shell, 'stty size')
  await run(shell, 'echo 日本語 é 🎉')
  await run(shell, `printf '\\377\\376\\n'`)
  await run(shell, `cat ${bigFile}`)
  shell.mark()
  shell.type('vim -u NONE -N note\r')
  await shell.waitFor('~')
  await typeSeen(shell, 'ia line typed in vim\x1b:wq\r')
  await shell.waitFor(/written[\s\S]*\$ $/)
  await enterSecret(shell, `read -s -p 'Secret: ' x; echo; echo length \${#x}`, 'Secret: ', secrets[0]!)
  await enterSecret(
    shell,
    `python3 -c "import getpass; print('length', len(getpass.getpass('Code: ')))"`,
    'Code: ',
    secrets[1]!,
  )
  shell.type('exit 3\r')
  return shell
}

/** What Chromium shows at three moments of the recording, each by a link to that moment. */
const watch = async (t: ExecutionContext, product: Product, id: string, moments: [string, number, string][]) => {
  const page = await openConsole(t, product)
  for (const [name, atMs, text] of moments) {
    await page.goto(`http://127.0.0.1:${product.endpoints.httpPort}/sessions/${id}?t=${atMs}`)
    await until(async () => (await terminalText(page)).includes(text), {
      limitMs: 30_000,
      what: `${text} on the screen at ${atMs} ms`,
    })
    await screenshot(page, `login-${name}`)
    t.regex(await page.title(), / on .* · Bartizan$/)
  }
  const lastScreen = await terminalText(page)
  await page.goto('about:blank') // the product is stopped later, and the page would go on asking it
  return lastScreen
}

realTest(
  test,
  programs,
  'a recorded login is watched, found and complete: every byte but the secrets, and nothing else',
  async (t) => {
    const product = await startProduct(t)
    const bastion = await startBastion(t, { sudoPort: product.endpoints.sudoPort, notice })
    const user = bastion.users[0]!
    const folder = await temporaryFolder(t)
    await chmod(folder, 0o755)
    const bigFile = join(folder, 'big')
    await writeFile(
      bigFile,
      Buffer.from(
        randomBytes(3_750_000)
          .toString('base64')
          .replaceAll(/(.{76})/g, '$1\n'),
      ),
    )
    const secrets = [0, 1].map(() => `s3cret-${randomBytes(9).toString('hex')}`)

    const shell = await useShell(bastion, user, bigFile, secrets)
    t.is(await shell.closed, 3)
    const plain = await bastion.ssh(user, 'echo no terminal; printf "\\377\\376"; exit 7')
    t.deepEqual([plain.stdout.toString('latin1'), plain.code], ['no terminal\n\xff\xfe', 7])

    const ofUser = () => sessionsOf(product, `user=${user.name}`)
    const isDone = ({ evidence, state }: Session) => evidence === 'sealed' && !isUnended(state)
    await until(async () => (await ofUser()).filter(isDone).length === 2, {
      limitMs: 60_000,
      what: 'both sessions sealed and indexed',
    })
    const sessions = await ofUser()
    const login = sessions.find(({ tty }) => tty !== null)!
    const command = sessions.find(({ tty }) => tty === null)!
    for (const session of [login, command]) {
      t.like(session, {
        user: user.name,
        runAs: user.name,
        bastion: 'test-bastion',
        hook: 'sudo',
        sourceIp: '127.0.0.1',
      })
      t.like(session, { recorded: true, state: 'complete' })
    }
    t.like(login, { exitCode: 3, cols: 100, rows: 30 })
    t.is(command.exitCode, 7)

    const lines = await exported(product, login.id)
    t.true(bytesOf(lines, 'ttyout').equals(shell.received()), 'recorded output is what the client received')
    t.true(lines.some(({ stream, rows, cols }) => stream === 'resize' && rows === 40 && cols === 120))
    t.true(bytesOf(lines, 'ttyin').includes('a line typed in vim'))
    t.is(lines.filter(({ masked }) => masked).length >= 2, true)
    t.deepEqual(bytesOf(await exported(product, command.id), 'stdout'), plain.stdout)

    const typed = [
      'echo marker-edited',
      'echo marker-edited again',
      'stty size',
      'echo 日本語 é 🎉',
      'vim -u NONE -N note',
    ]
    const { items } = (await product.api(`/api/sessions/${login.id}/commands?limit=200`)) as { items: Command[] }
    t.deepEqual(
      items.filter(({ via, startup }) => via === 'exec' && !startup),
      [],
      'what ran before the first prompt is start-up',
    )
    for (const line of typed) {
      t.truthy(
        items.find((item) => item.line === line && item.via === 'typed' && !item.startup),
        line,
      )
      const found = await sessionsOf(product, `q=${encodeURIComponent(`"${line}"`)}`)
      t.true(
        found.some(({ id }) => id === login.id),
        `search for ${line}`,
      )
    }
    t.true(
      (await sessionsOf(product, `q=${encodeURIComponent('echo no terminal')}`)).some(({ id }) => id === command.id),
    )

    const one = (await product.api(`/api/sessions/${command.id}/commands`)) as { items: Command[] }
    t.deepEqual(
      one.items.filter(({ startup }) => !startup).map(({ line, via }) => [line, via]),
      [['echo no terminal; printf "\\377\\376"; exit 7', 'exec']],
    )

    const enteredAt = (line: string) => items.find((item) => item.line === line)!.atMs
    const leavesInsertMode = lines.find(({ atMs, stream, dataB64 }) => {
      return stream === 'ttyin' && atMs > enteredAt('vim -u NONE -N note') && dataB64 === btoa('\x1b')
    })!
    const lastScreen = await watch(t, product, login.id, [
      ['resized', enteredAt('echo 日本語 é 🎉'), '40120'],
      ['wide', items.find(({ line }) => line.startsWith('printf'))!.atMs, '日本語é🎉'],
      ['vim', leavesInsertMode.atMs, 'alinetypedinvim'],
    ])
    t.false(lastScreen.includes('marker-edited'), 'vim has the screen for itself')

    for (const format of ['cast', 'txt', 'ndjson']) {
      const text = await (await product.raw(`/api/sessions/${login.id}/export?format=${format}`)).text()
      for (const secret of secrets) t.false(text.includes(secret), `${format} export`)
    }
    for (const secret of secrets) t.false(bytesOf(lines, 'ttyin').includes(secret))
    t.is(await product.stop(), 0)
    await bringHome(
      product.data,
      sessions.map(({ id }) => id),
    )
    for (const secret of secrets) {
      t.deepEqual(await filesHolding(product.data, secret), [])
      t.deepEqual(await evidenceHolding(product.data, secret), [])
    }
    t.not((await filesHolding(product.data, 'marker-edited again')).length, 0, 'the search does find what is kept')
    t.not((await evidenceHolding(product.data, 'no terminal')).length, 0, 'also behind the encryption')
  },
)
