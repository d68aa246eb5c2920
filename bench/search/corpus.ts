import type { SessionUpdate } from '#services/catalog/catalog.ts'
import type { SessionId } from '#services/schema/ids.ts'
import type { ScreenUpdate } from '#services/views/views.ts'
import { command, ended, sessionRow } from '#test/contract/catalog-place.ts'
import { seededRandom } from '#test/helpers/seeded-random.ts'

/** Sessions of a made-up company, the same for a number: what is typed grows with the company, and so does what is rare. */

export const commandsPerSession = 100
const commandsPerScreen = 4
const secondsApart = 40

const programs = [
  ['sudo systemctl', ['restart', 'status', 'stop', 'reload']],
  ['kubectl', ['get pods -n', 'logs -f', 'describe node', 'rollout restart']],
  ['git', ['log --oneline', 'pull --rebase origin', 'diff --stat', 'checkout']],
  ['docker', ['ps -a --filter', 'logs --tail 100', 'inspect', 'exec -it']],
  ['vim', ['+42', '-R', '-O', '']],
  ['grep', ['-rn password', '-i error', '-c refused', '--include=*.conf']],
  ['tail', ['-f', '-n 100', '-F', '-c 4096']],
  ['ssh', ['-J jump1', '-p 2222', '-A', '-v']],
] as const
const folders = ['/srv/app', '/etc/nginx/sites', '/var/log/journal', '/opt/billing', '/home/deploy/releases']
const said = [
  'connection refused by upstream',
  'permission denied (publickey)',
  'active (running) since Mon 2026-11-16',
  'no space left on device',
  'listening on 0.0.0.0:8443',
  'warning: deprecated option ignored',
]

/** In one command of the company alone. */
export const rareWord = (session: number): string =>
  `t${((session * 2_654_435_761) % 4_294_967_296).toString(36)}-${((session * 40_503 + 7) % 65_536).toString(36)}`

export type MadeSession = { update: SessionUpdate; screen: ScreenUpdate; user: string }

const idOf = (number: number): SessionId => {
  const hex = number.toString(16).padStart(12, '0')
  return `01a20000-${hex.slice(0, 4)}-7000-8000-${hex}` as SessionId
}

export const madeSession = (number: number, startSeconds = number * secondsApart): MadeSession => {
  const random = seededRandom(number + 1)
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)]!
  const user = `user-${Math.floor(random() * 400)}`
  const row = ended(
    sessionRow(startSeconds, {
      ...{
        id: idOf(number),
        user,
        bastion: pick(['jump1', 'jump2', 'jump3']),
        target: `host-${Math.floor(random() * 900)}`,
      },
      sourceIp: `10.${Math.floor(random() * 8)}.${Math.floor(random() * 250)}.${Math.floor(random() * 250)}`,
    }),
    startSeconds + 30 * 60,
  )
  const line = (): string => {
    const [program, arguments_] = pick(programs)
    const folder = pick(folders)
    return `${program} ${pick(arguments_)} ${folder}-${Math.floor(random() * 500)}/part-${Math.floor(random() * 1e5)}.log`
  }
  const lines = Array.from({ length: commandsPerSession }, line)
  lines[Math.floor(random() * commandsPerSession)] += ` # ${rareWord(number)}`
  const startedAtMs = Date.parse(row.startedAt)
  const commands = lines.map((text, n) => ({
    number: n,
    command: command(text, { atMs: n * 17_000 + Math.floor(random() * 9_000) }),
  }))
  const texts = Array.from({ length: commandsPerSession / commandsPerScreen }, (_, n) => ({
    number: n,
    atMs: n * 70_000 + Math.floor(random() * 9_000),
    text: Array.from(
      { length: 4 },
      () => `${pick(said)} ${pick(folders)}-${Math.floor(random() * 500)} pid=${Math.floor(random() * 32_768)}`,
    ).join('\n'),
  }))
  const seq = { fromSeq: 0, nextSeq: 1 }
  return {
    user,
    update: { ...seq, sessionId: row.id, progress: '{}', session: row, commands },
    screen: {
      ...{ ...seq, sessionId: row.id, owner: { startedAtMs, user, bastion: row.bastion }, state: '{}' },
      ...{ throughUs: 1_800_000_000, isEnded: true, unavailable: null, segments: [], texts },
    },
  }
}

/** The same words as a recording of the terminal: a prompt, what was typed, and screens that are drawn again and again. */
export const castOf = ({ update: { commands }, screen: { texts } }: MadeSession, redraws: number): string => {
  const event = (atMs: number, text: string): string => `${JSON.stringify([atMs / 1_000, 'o', text])}\n`
  const typed = commands.map(({ command: { atMs, line } }) => ({ atMs, text: `\u001b[01;32m$ \u001b[0m${line}\r\n` }))
  const drawn = texts.flatMap(({ atMs, text }) =>
    Array.from({ length: redraws }, (_, n) => ({ atMs: atMs + n, text: `\u001b[H${text.replaceAll('\n', '\r\n')}` })),
  )
  const events = [...typed, ...drawn].sort((a, b) => a.atMs - b.atMs).map(({ atMs, text }) => event(atMs, text))
  return `${JSON.stringify({ version: 2, width: 120, height: 36 })}\n${events.join('')}`
}
