import { collectKeys } from './collect-keys.ts'
import { collectCompilers, collectFirewall, collectUpdates } from './collect-machine.ts'
import { collectSshd } from './collect-sshd.ts'
import { collectSudoers } from './collect-sudoers.ts'
import type { Look } from './look.ts'
import { readAccounts, readUsablePasswords } from './read/accounts.ts'
import type { RunProgram } from './run-program.ts'
import { seen, unseen } from './verdict.ts'
import type { View } from './view.ts'

export type CollectOptions = {
  look: Look
  run: RunProgram
  host: string
  nowMs: number
  firstSeenMs: View['firstSeenMs']
  /** Absent: sshd's own. */
  sshdConfigFile?: string
}

/** Looks at everything the checks judge. It changes nothing, and nothing of the tree is run. */
export const collect = async (options: CollectOptions): Promise<View> => {
  const { look, nowMs, firstSeenMs, host } = options
  const elsewhere = `it takes a program of the machine itself, and ${look.root} is another tree`
  const run: RunProgram = look.root === '/' ? options.run : async () => unseen(elsewhere)
  const passwd = await look.text('/etc/passwd', 4 * 1024 * 1024)
  const accounts = passwd.ok ? seen(readAccounts(passwd.value.text)) : passwd
  const shadow = await look.text('/etc/shadow', 4 * 1024 * 1024)
  const passwords = shadow.ok ? seen(readUsablePasswords(shadow.value.text)) : shadow
  const known = accounts.ok ? accounts.value : []
  const [sshd, sudoers, firewall, updates, compilers] = await Promise.all([
    collectSshd(run, known, options.sshdConfigFile),
    collectSudoers(look, host),
    collectFirewall(run),
    collectUpdates(look, run),
    collectCompilers(look),
  ])
  const settingsOf = (user: string) => (sshd.ok ? sshd.value.views.find((view) => view.user === user)?.sshd : undefined)
  const keys = accounts.ok ? seen(await collectKeys(look, known, settingsOf)) : accounts
  return { nowMs, firstSeenMs, accounts, passwords, sshd, keys, sudoers, firewall, updates, compilers }
}
