import { existsSync } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { type Bastion, bastionPrograms, startBastion, writeFileOf } from '#test/helpers/bastion.ts'
import { type Account, processesOf } from '#test/helpers/bastion-accounts.ts'
import { startLogsrvd } from '#test/helpers/bastion-logsrvd.ts'
import { freePort } from '#test/helpers/free-port.ts'
import { realTest } from '#test/helpers/real.ts'
import { sessionsOf } from '#test/helpers/recorded.ts'
import { startProduct } from '#test/helpers/running.ts'
import { until } from '#test/helpers/until.ts'

const programs = [...bastionPrograms, 'sudo_logsrvd']

/** Shell code that notes in the user's home whether it runs inside of sudo: "unrecorded" proves an escape. */
const witness = ({ home }: Account): string =>
  'p=$$; r=unrecorded; while [ "$p" -gt 1 ]; do read -r c <"/proc/$p/comm"; [ "$c" = sudo ] && r=recorded; ' +
  `while read -r k v; do [ "$k" = PPid: ] && p=$v; done <"/proc/$p/status"; done; echo $r >>${home}/witness\n`
const noted = ({ home }: Account): Promise<string> => readFile(join(home, 'witness'), 'utf8').catch(() => '')

const startUpFiles = [
  '.bashrc',
  '.profile',
  '.bash_profile',
  '.bash_login',
  '.bash_logout',
  '.zshenv',
  '.zshrc',
  '.ssh/rc',
]
const environment = ({ home }: Account): string => `BASH_ENV=${home}/.zshenv\nENV=${home}/.zshenv\n`

/** Everything of the user's own that some program reads before a shell has its prompt. */
const plantTraps = async (user: Account): Promise<void> => {
  for (const name of startUpFiles)
    await writeFileOf(user, name, `${witness(user)}[ "$r" = recorded ] || exec /bin/bash\n`)
  await writeFileOf(user, '.ssh/environment', environment(user))
  await writeFileOf(user, '.pam_environment', environment(user).replaceAll('=', ' DEFAULT='))
  const key = await readFile(join(user.home, '.ssh/authorized_keys'), 'utf8')
  const { home } = user
  await writeFileOf(
    user,
    '.ssh/authorized_keys',
    `environment="BASH_ENV=${home}/.zshenv",command="${home}/.zshenv" ${key}`,
  )
}

/** A login, and commands that shells read in more than one way: each must run inside of sudo or not at all. */
const attempts = (user: Account): string[] => [
  witness(user),
  `true; ${witness(user)}`,
  `$(${witness(user)})`,
  `--recorded 1 '${witness(user)}'`,
  `-c '${witness(user)}'`,
  `\n${witness(user)}`,
  `'; ${witness(user)} '`,
  `exec /bin/sh -c '${witness(user).replaceAll("'", '"')}'`,
]
const attemptAll = async (bastion: Bastion, user: Account): Promise<string[]> => {
  const texts: string[] = []
  for (const command of attempts(user)) {
    for (const tty of [false, true]) {
      const { stdout, stderr } = await bastion.ssh(user, command, { tty })
      texts.push(`${stdout}${stderr}`)
    }
  }
  const options = ['-o', 'SendEnv=BASH_ENV LC_BASH_ENV']
  await bastion.ssh(user, 'true', { options })
  await bastion.ssh(user, null, { input: witness(user) })
  return texts
}

realTest(
  test,
  programs,
  'with bash as login shell the planted files do escape: so the test would see it',
  async (t) => {
    const bastion = await startBastion(t, { sudoPort: await freePort(), passwdShell: '/bin/bash' })
    const [user] = bastion.users
    await plantTraps(user!)
    await bastion.ssh(user!, 'true')
    t.regex(await noted(user!), /unrecorded/)
  },
)

realTest(test, programs, "with the log server up, nothing of the user's runs outside of the recording", async (t) => {
  const logsrvd = await startLogsrvd(t)
  const bastion = await startBastion(t, { sudoPort: logsrvd.port })
  const [user] = bastion.users
  await plantTraps(user!)
  await attemptAll(bastion, user!)
  const shell = await bastion.shell(user!)
  shell.type(`${witness(user!)}exit\n`)
  await shell.closed
  const notes = (await noted(user!)).trim().split('\n')
  t.deepEqual([...new Set(notes)], ['recorded'])
  t.true(notes.length > attempts(user!).length, 'the traps and the commands did run')
})

realTest(test, programs, 'with the log server down, nothing runs at all and the user is told so', async (t) => {
  const bastion = await startBastion(t, { sudoPort: await freePort() })
  const [user] = bastion.users
  await plantTraps(user!)
  const told = /unable to connect to log server[\s\S]*nothing was run, because it cannot be recorded now/
  for (const text of await attemptAll(bastion, user!)) t.regex(text, told)
  const shell = await bastion.shell(user!)
  shell.type(witness(user!))
  t.is(await shell.closed, 1)
  t.regex(shell.received().toString(), told)
  t.is(await noted(user!), '')
})

realTest(test, programs, 'keys typed while a session starts leave no other shell behind', async (t) => {
  const logsrvd = await startLogsrvd(t)
  const bastion = await startBastion(t, { sudoPort: logsrvd.port, notice: 'This session is recorded.\n' })
  const [user] = bastion.users
  for (let attempt = 0; attempt < 8; attempt++) {
    const shell = await bastion.shell(user!)
    const keys = setInterval(() => shell.type('\x03\x1a\x1c\x03'), 5 + attempt)
    await Promise.race([until(() => shell.received().includes('$ '), { what: 'prompt' }), shell.closed])
    clearInterval(keys)
    shell.type(`\n${witness(user!)}exit\nexit\n`)
    await shell.closed
  }
  t.notRegex(await noted(user!), /unrecorded/)
})

realTest(test, programs, "a library that PAM takes from the user's home does not get into the wrapper", async (t) => {
  const bastion = await startBastion(t, { sudoPort: await freePort(), outsiders: 1 })
  const [user] = bastion.users
  const [outsider] = bastion.outsiders
  const preload = 'LD_PRELOAD DEFAULT=/nowhere/planted.so\nLD_AUDIT DEFAULT=/nowhere/planted.so\n'
  for (const account of [user!, outsider!]) await writeFileOf(account, '.pam_environment', preload)
  const loading = /\/nowhere\/planted\.so/
  t.regex((await bastion.ssh(outsider!, 'true')).stderr.toString(), loading, 'sshd does pass it on, without the recipe')
  t.notRegex((await bastion.ssh(user!, 'true')).stderr.toString(), loading)
})

realTest(test, programs, 'what a session has running ends with its log server', async (t) => {
  const detached = 'setsid bash -c "while :; do read -t 0.05 <> /dev/null; done" & '
  const forever = ': >begun; while :; do sleep 0.05; done; : >afterwards'
  for (const tty of [false, true]) {
    const logsrvd = await startLogsrvd(t)
    const bastion = await startBastion(t, { sudoPort: logsrvd.port })
    const [user] = bastion.users
    const outcome = bastion.ssh(user!, `${detached} bash -c '${forever}'; : >afterwards`, { tty })
    await until(() => existsSync(join(user!.home, 'begun')), { what: 'begin of the command' })
    await logsrvd.stop()
    const { stdout, stderr, code } = await outcome
    t.regex(`${stdout}${stderr}`, /the recording has broken off, so everything that ran here was ended/)
    t.not(code, 0)
    await until(async () => (await processesOf(user!.uid)).length === 0, { what: `end of all processes, tty ${tty}` })
    t.false(existsSync(join(user!.home, 'afterwards')))
  }
})

realTest(test, programs, 'who is ended from the console reads why, and keeps nothing running', async (t) => {
  const product = await startProduct(t)
  const bastion = await startBastion(t, { sudoPort: product.endpoints.sudoPort })
  const [user] = bastion.users
  for (const tty of [false, true]) {
    const outcome = bastion.ssh(user!, 'sleep 300 & : >begun; sleep 300', { tty })
    await until(() => existsSync(join(user!.home, 'begun')), { what: 'begin of the command' })
    await rm(join(user!.home, 'begun'))
    const open = async () => (await sessionsOf(product, `user=${user!.name}`)).find(({ endedAt }) => endedAt === null)
    await until(async () => (await open()) !== undefined, { what: 'the session in the list' })
    const path = `/api/sessions/${(await open())!.id}/terminate`
    await product.api(path, { method: 'POST', body: JSON.stringify({ reason: 'not at this hour' }) })
    const { stdout, stderr } = await outcome
    t.regex(`${stdout}${stderr}`, /abort message received from server: .*not at this hour/)
    await until(async () => (await processesOf(user!.uid)).length === 0, { what: `end of all processes, tty ${tty}` })
    await until(async () => (await open()) === undefined, { what: 'the end in the list' })
  }
})

realTest(test, programs, 'sudo lets a recorded user be himself in bash and nobody else', async (t) => {
  const logsrvd = await startLogsrvd(t)
  const bastion = await startBastion(t, { sudoPort: logsrvd.port, users: 2 })
  const [user, other] = bastion.users
  const refused = [
    `-u ${other!.name} /bin/bash -c id`,
    '-u root /bin/bash -c id',
    `-u ${user!.name} -g root /bin/bash -c id`,
    `-u ${user!.name} /bin/sh -c id`,
    `-u ${user!.name} -E /bin/bash -c id`,
    `-u ${user!.name} LD_PRELOAD=/x /bin/bash -c id`,
    `-u ${user!.name} -C 9 /bin/bash -c id`,
    `-u ${user!.name} -R /tmp /bin/bash -c id`,
    `-u ${user!.name} -D /tmp /bin/bash -c id`,
  ]
  for (const args of refused) {
    const { stdout, code } = await bastion.ssh(user!, `sudo -n ${args}`)
    t.deepEqual([stdout.toString(), code], ['', 1], args)
  }
  const { stdout, code } = await bastion.ssh(user!, `sudo -n -u ${user!.name} /bin/bash -c 'id -un'`)
  t.deepEqual([stdout.toString(), code], [`${user!.name}\n`, 0])
})

realTest(test, [...programs, 'chsh'], 'a recorded user cannot take another login shell', async (t) => {
  const logsrvd = await startLogsrvd(t)
  const bastion = await startBastion(t, { sudoPort: logsrvd.port })
  const { stderr, stdout, code } = await bastion.ssh(bastion.users[0]!, 'chsh -s /bin/bash')
  t.not(code, 0)
  t.regex(`${stdout}${stderr}`, /You may not change the shell/)
})

realTest(test, programs, 'tunnels, which nobody could record, are refused', async (t) => {
  const logsrvd = await startLogsrvd(t)
  const bastion = await startBastion(t, { sudoPort: logsrvd.port, outsiders: 1 })
  const through = ['-W', `127.0.0.1:${bastion.port}`]
  const allowed = await bastion.ssh(bastion.outsiders[0]!, null, { options: through })
  t.regex(allowed.stdout.toString(), /^SSH-2\.0/)
  const { stdout, code } = await bastion.ssh(bastion.users[0]!, null, { options: through })
  t.deepEqual([stdout.toString(), code], ['', 255])
})

realTest(test, programs, 'with the log server down, accounts outside of the group and root get in', async (t) => {
  const bastion = await startBastion(t, { sudoPort: await freePort(), outsiders: 1 })
  const { stdout, code } = await bastion.ssh(bastion.outsiders[0]!, 'echo in; sudo -n -l >/dev/null 2>&1; exit 4')
  t.deepEqual([stdout.toString(), code], ['in\n', 4])
})
