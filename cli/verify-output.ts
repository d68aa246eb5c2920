import type { Checked, Finding, Level, Verdict } from '#services/verify/finding.ts'
import type { AskedLog } from '#services/verify/log/ask-log.ts'
import type { OnProgress } from '#services/verify/verify-evidence.ts'
import { printable } from './printable.ts'

const everyMs = 250

const marks = { ok: 'ok        ', tampered: 'TAMPERED  ', incomplete: 'incomplete', unknown: 'unknown   ' }

const placeOf = ({ key, frame, batchSeq, byteOffset }: Finding['where']): string =>
  [
    key,
    ...(frame === undefined ? [] : [`frame ${frame}`]),
    ...(batchSeq === undefined ? [] : [`batch ${batchSeq}`]),
    ...(byteOffset === undefined ? [] : [`byte ${byteOffset}`]),
  ].join(', ')

const signersOf = ({ signers }: Checked): string =>
  signers
    .map(({ keyId, purpose, revokedAt, heads }) => {
      const revoked = revokedAt === null ? '' : `, revoked ${revokedAt}`
      return `; signed ${heads} times by ${purpose} ${keyId.slice(0, 16)}${revoked}`
    })
    .join('')

const lineOf = (checked: Checked, verdict: Verdict | 'ok', level: Level): string => {
  const { prefix, objects, bytes, batches, masked, retainUntil } = checked
  const inside =
    level === 'content' && checked.sessionId !== null ? `, ${batches} batches, ${masked} masked places` : ''
  const locked = retainUntil === null ? '' : `, kept until ${retainUntil}`
  return `${marks[verdict]}  ${prefix}  ${objects} objects, ${bytes} bytes${inside}${locked}${signersOf(checked)}`
}

const logLine = ({ origin, size, storedAt, kept }: AskedLog, verdict: Verdict | 'ok'): string => {
  const compared = kept === 0 ? '' : `, compared with ${kept} kept elsewhere`
  const found = storedAt === null ? 'without a checkpoint in the store yet' : `under the checkpoint of ${storedAt}`
  return `${marks[verdict]}  ${origin}  the log, ${size} leaves ${found}${compared}`
}

/** What `verify` says, as it finds it: lines for a person, or JSON lines. Progress on a terminal only. */
export const createVerifyOutput = (level: Level, json: boolean) => {
  const isTerminal = process.stderr.isTTY
  const counts = { ok: 0, tampered: 0, incomplete: 0, unknown: 0 }
  let toldMs = 0
  let read = { objects: 0, bytes: 0 }
  let findings = 0
  let log: string | null = null

  const clear = (): void => {
    if (isTerminal) process.stderr.write('\r\u001b[K')
  }
  const write = (value: object, line: string): void => {
    clear()
    process.stdout.write(`${json ? JSON.stringify(value) : printable(line)}\n`)
  }
  return {
    clear,
    finding: (finding: Finding): void => {
      findings++
      const { verdict, what, where, detail } = finding
      write({ type: 'finding', ...finding }, `${marks[verdict]}  ${placeOf(where)}: ${what}: ${detail}`)
    },
    log: (asked: AskedLog, verdict: Verdict | 'ok'): void => {
      log = verdict
      write({ type: 'log', asked: true, verdict, ...asked }, logLine(asked, verdict))
    },
    notAsked: (reason: string): void => {
      write({ type: 'log', asked: false, reason }, `not asked   the transparency log: ${reason}`)
    },
    checked: (checked: Checked, verdict: Verdict | 'ok'): void => {
      counts[verdict]++
      read = { objects: read.objects + checked.objects, bytes: read.bytes + checked.bytes }
      write({ type: 'checked', verdict, ...checked }, lineOf(checked, verdict, level))
    },
    progress: ({ objects, bytes, leaves }: Parameters<OnProgress>[0]): void => {
      if (!isTerminal || performance.now() - toldMs < everyMs) return
      toldMs = performance.now()
      const done = leaves === undefined ? `${objects} objects, ${Math.round(bytes / 1e6)} MB` : `${leaves} leaves`
      process.stderr.write(`\r\u001b[K${done}, ${findings} findings`)
    },
    summary: (verdict: Verdict | 'ok'): void => {
      const text = Object.entries(counts).flatMap(([name, count]) => (count === 0 ? [] : [`${count} ${name}`]))
      write(
        { type: 'summary', level, verdict, log: log ?? 'not asked', findings, ...read, checked: counts },
        `${verdict}: level ${level}, log ${log ?? 'not asked'}, ${read.objects} objects, ${read.bytes} bytes: ${text.join(', ') || 'nothing'}`,
      )
    },
  }
}
export type VerifyOutput = ReturnType<typeof createVerifyOutput>
