import { execFile, execFileSync } from 'node:child_process'
import { mkdir, open, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import test, { type ExecutionContext } from 'ava'
import { createLook } from '#hooks/posture/look.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'

const bartizan = fileURLToPath(new URL('../../../bartizan', import.meta.url))
const limitMs = 60_000

/** A tree that wants its reader to go astray, wait for ever, or run out of memory. */
const hostileTree = async (t: ExecutionContext): Promise<string> => {
  const folder = await temporaryFolder(t)
  const root = join(folder, 'tree')
  for (const path of ['etc/sudoers.d', 'usr', 'home/alice/.ssh', 'home/bob/.ssh', 'home/eve/.ssh'])
    await mkdir(join(root, path), { recursive: true })
  await writeFile(join(folder, 'outside'), 'Defaults ignore_iolog_errors\n')
  await writeFile(
    join(root, 'etc/passwd'),
    ['alice', 'bob', 'eve', 'far'].map((user) => `${user}:x:1000:1000::/home/${user}:/bin/bash`).join('\n'),
  )
  await symlink('../../../outside', join(root, 'etc/sudoers'))
  await symlink(join(folder, 'outside'), join(root, 'etc/shadow'))
  execFileSync('mkfifo', [join(root, 'home/alice/.ssh/authorized_keys')])
  const huge = await open(join(root, 'home/bob/.ssh/authorized_keys'), 'w')
  await huge.truncate(2 ** 40)
  await huge.close()
  await symlink('authorized_keys', join(root, 'home/eve/.ssh/authorized_keys'))
  await symlink('/dev/zero', join(root, 'home/far'))
  await symlink('/usr/bin', join(root, 'usr/bin'))
  return root
}

test('links lead no further than the tree, and what is no regular file is neither opened nor waited for', async (t) => {
  const root = await hostileTree(t)
  const look = await createLook(root)
  const reason = async (path: string) => {
    const read = await look.text(path)
    return read.ok ? `read: ${read.value.text}` : read.reason
  }
  t.regex(await reason('/etc/sudoers'), /not there/)
  t.regex(await reason('/etc/shadow'), /not there/)
  t.regex(await reason('../../../../etc/hostname/../outside'), /not there/)
  t.regex(await reason('/home/alice/.ssh/authorized_keys'), /not a regular file/)
  t.regex(await reason('/home/bob/.ssh/authorized_keys'), /larger than/)
  t.regex(await reason('/home/eve/.ssh/authorized_keys'), /cannot be read/)
  t.regex(await reason('/home/far/.ssh/authorized_keys'), /not there/)
  t.regex(await reason('/etc'), /not a regular file/)
  t.regex(await reason('/etc/a\0b'), /cannot be read/)
  t.false((await look.names('/usr/bin')).ok)
  t.false((await look.names('/etc', 2)).ok)
  t.true((await look.names('/etc')).ok)
})

test('bartizan posture --root reads a hostile tree to its end, says what it could not see, and leaks nothing of it', async (t) => {
  const root = await hostileTree(t)
  await writeFile(join(root, 'etc/passwd'), 'mallory:x:0:0::/root:/bin/\u001b]0;x\u0007sh\n', { flag: 'a' })
  const json = await promisify(execFile)(bartizan, ['posture', '--json', '--root', root], { timeout: limitMs })
  const { ok, facts } = JSON.parse(json.stdout) as {
    ok: boolean
    facts: { check: string; status: string; detail: { notChecked?: unknown } }[]
  }
  t.true(ok)
  const of = (check: string) => facts.find((fact) => fact.check === check)!
  t.regex(String(of('sudo-ignore-flags').detail.notChecked), /sudoers is not there/)
  t.is((of('credential-age').detail.notChecked as unknown[]).length, 3)
  t.regex(String(of('mfa-required').detail.notChecked), /another tree/)
  const people = await promisify(execFile)(bartizan, ['posture', '--root', root], { timeout: limitMs })
  t.regex(people.stdout, /warn mfa-required/)
  t.regex(people.stdout, /fix: /)
  t.notRegex(people.stdout, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/)
})

test('an unknown check is wrong usage, and one check can be asked for alone', async (t) => {
  const root = await hostileTree(t)
  const failed = await promisify(execFile)(bartizan, ['posture', '--check', 'no-such', '--root', root]).catch(
    (error: { code: number; stderr: string }) => error,
  )
  t.like(failed, { code: 2 })
  const { stdout } = await promisify(execFile)(bartizan, ['posture', '--json', '--check', 'compilers', '--root', root])
  t.deepEqual(
    (JSON.parse(stdout) as { facts: { check: string }[] }).facts.map(({ check }) => check),
    ['compilers'],
  )
})
