import { setTimeout as wait } from 'node:timers/promises'
import type { Bastion } from '#test/helpers/bastion.ts'
import type { Account } from '#test/helpers/bastion-accounts.ts'
import type { Shell } from '#test/helpers/bastion-client.ts'
import { until } from '#test/helpers/until.ts'

const keyEveryMs = 200
const modulus = 65_521
// Answers each line with its number, a checksum over all lines so far, and something to read.
const program = `perl -ne 'BEGIN { $| = 1; print "ready\\n" } $s = ($s * 31 + unpack("%32C*", $_)) % ${modulus}; printf "%d:%d:%s\\n", $., $s, "$s " x 40; END { print "total $.:$s\\n" }'`

export type Typist = {
  shell: Shell
  /** Everything that was typed so far. */
  typed(): string
  lines(): number
  /** Ends the line, the program and the shell, as its user would. @returns the exit code */
  leave(): Promise<number | null>
  /** What the program says in the end, if it got every line as it was typed. */
  total(): string
}

const sumOf = (lines: readonly string[]): number =>
  lines.reduce((sum, line) => (sum * 31 + [...Buffer.from(`${line}\n`)].reduce((a, b) => a + b, 0)) % modulus, 0)

/** A person who types numbered lines on a recorded terminal, key by key, until told to leave. */
export const startTyping = async (bastion: Bastion, user: Account, name: string): Promise<Typist> => {
  const shell = await bastion.shell(user, { cols: 120, rows: 30 })
  await shell.waitFor('$ ', 60_000)
  let typed = ''
  const type = (text: string): void => {
    shell.type(text)
    typed += text
  }
  shell.mark()
  type(`${program}\r`)
  await shell.waitFor(/[\r\n]ready\r\n/, 60_000)
  const lines: string[] = []
  let isLeaving = false
  const running = (async () => {
    while (!isLeaving) {
      const line = `${name} line ${lines.length + 1}`
      for (const key of line) {
        type(key)
        await wait(keyEveryMs)
      }
      type('\r')
      lines.push(line)
    }
  })()
  const total = () => `total ${lines.length}:${sumOf(lines)}\r\n`
  return {
    shell,
    typed: () => typed,
    lines: () => lines.length,
    total,
    leave: async () => {
      isLeaving = true
      await running
      await until(() => shell.received().includes(`\n${lines.length}:${sumOf(lines)}:`), {
        limitMs: 60_000,
        what: `the answer to the last line of ${name}`,
      })
      shell.mark()
      type('\x04')
      await shell.waitFor(/total \d+:\d+\r\n[\s\S]*\$ /, 60_000)
      type('exit 0\r')
      return shell.closed
    },
  }
}
