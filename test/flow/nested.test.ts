import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { bastionPrograms, startBastion, writeFileOf } from '#test/helpers/bastion.ts'
import { realTest } from '#test/helpers/real.ts'
import { bytesOf, exported, sessionsOf } from '#test/helpers/recorded.ts'
import { startProduct } from '#test/helpers/running.ts'
import { evidenceHolding, filesHolding } from '#test/helpers/secret-search.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'

// In a nested ssh the local terminal is raw and its mode says nothing: only the output tells.
const prompts = ['Passwort für die Kasse: ', 'Пароль: ', '', 'xq7>']

realTest(
  test,
  [...bastionPrograms, 'ssh-keygen'],
  'secrets typed in an ssh session inside of the recorded one are in no file, and what was typed with echo is kept',
  async (t) => {
    t.timeout(10 * 60_000)
    const product = await startProduct(t)
    const bastion = await startBastion(t, { sudoPort: product.endpoints.sudoPort, outsiders: 1 })
    const [user, far] = [bastion.users[0]!, bastion.outsiders[0]!]
    const folder = await temporaryFolder(t)
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, 'id')])
    await writeFileOf(user, '.ssh/id_nested', await readFile(join(folder, 'id'), 'utf8'))
    execFileSync('chmod', ['600', join(user.home, '.ssh/id_nested')])
    const known = await readFile(join(far.home, '.ssh/authorized_keys'), 'utf8')
    await writeFileOf(far, '.ssh/authorized_keys', known + (await readFile(join(folder, 'id.pub'), 'utf8')))

    const secrets = prompts.map(() => `s3cret-${randomBytes(9).toString('hex')}`)
    const shell = await bastion.shell(user)
    await shell.waitFor('$ ')
    shell.mark()
    shell.type(`ssh -q -o StrictHostKeyChecking=no -i .ssh/id_nested -p ${bastion.port} ${far.name}@127.0.0.1\r`)
    await shell.waitFor(`]0;${far.name}@`) // the prompt sets the title
    for (const [index, prompt] of prompts.entries()) {
      shell.mark()
      shell.type(`read -s -p '${prompt}' x; echo; echo length-\${#x}-${index}\r`)
      await shell.waitFor(new RegExp(`\r${prompt}$`))
      for (const key of secrets[index]!) {
        shell.type(key)
        await new Promise((resolve) => setTimeout(resolve, 30)) // as fast as somebody types who knows it by heart
      }
      shell.type('\r')
      await shell.waitFor(`length-${secrets[index]!.length}-${index}`)
    }
    shell.mark()
    shell.type('exit\r')
    await shell.waitFor(`]0;${user.name}@`)
    shell.type('exit\r')
    await shell.closed

    const sealed = async () =>
      (await sessionsOf(product, `user=${user.name}`)).filter(({ evidence }) => evidence === 'sealed')
    await until(async () => (await sealed()).length === 1, { limitMs: 30_000, what: 'sealed' })
    const typed = bytesOf(await exported(product, (await sealed())[0]!.id), 'ttyin').toString()
    t.regex(typed, /read -s -p 'xq7>' x; echo; echo length/)
    for (const secret of secrets) {
      const pieces = [...secret.slice('s3cret-'.length)].map((_, at, all) => all.slice(at, at + 5).join(''))
      t.deepEqual(
        pieces.filter((piece) => piece.length === 5 && typed.includes(piece)),
        [],
        'nor a piece of it',
      )
    }
    t.is(await product.stop(), 0)
    for (const secret of secrets) {
      t.deepEqual(await filesHolding(product.data, secret), [])
      t.deepEqual(await evidenceHolding(product.data, secret), [])
    }
  },
)
