import { readFile, writeFile } from 'node:fs/promises'
import { gunzipSync, gzipSync } from 'node:zlib'
import { derive } from '#ingest/indexer/derive.ts'
import { loadState, type SessionState, saveState } from '#ingest/indexer/session-state.ts'
import { type Frame, Stream } from '#services/recordings/format/frame-batch.ts'
import type { Command } from '#services/schema/session.ts'
import type { ExportLine } from '../recorded.ts'
import { decoded, recordedSession } from '../recorded-session.ts'
import type { Kind } from './home.ts'
import type { FoundLine } from './judge.ts'

/** A session that was typed, as the product exports it, with what was typed. */
export type Recording = { kind: Kind; seed: number; typed: string[]; secrets: string[]; frames: ExportLine[] }

export const saveRecording = (file: string, recording: Recording): Promise<void> =>
  writeFile(file, gzipSync(JSON.stringify(recording), { level: 9 }))
export const loadRecording = async (file: string): Promise<Recording> =>
  JSON.parse(gunzipSync(await readFile(file)).toString()) as Recording

export const foundOf = (commands: Command[]): FoundLine[] =>
  commands
    .filter(({ startup }) => !startup)
    .map(({ line, via, argv, children, ...rest }) => ({
      line: via === 'typed' ? line : '',
      execs: [argv, ...children.map((child) => child.argv)].filter((words) => words.length > 0),
      ...('confidence' in rest && typeof rest.confidence === 'number' && { confidence: rest.confidence }),
    }))

const streams: Record<string, Stream> = {
  ttyin: Stream.TTYIN,
  ttyout: Stream.TTYOUT,
  resize: Stream.RESIZE,
  marker: Stream.MARKER,
}

const dataOf = ({ dataB64, rows, cols }: ExportLine): Uint8Array => {
  if (rows === undefined || cols === undefined) return Buffer.from(dataB64 ?? '', 'base64')
  const size = Buffer.alloc(4)
  size.writeUInt16BE(rows, 0)
  size.writeUInt16BE(cols, 2)
  return size
}

const batchMs = 250

/** The commands that the indexer derives of it; the state goes through its saved form with every batch. */
export const derived = ({ frames }: Pick<Recording, 'frames'>, cols = 80): Command[] => {
  const session = recordedSession({
    cols,
    rows: 24,
    argv: ['/bin/bash', '/usr/local/bin/bartizan-session', '--recorded', '1'],
  })
  const commands = new Map<number, Command>()
  let state: SessionState | null = null
  let pending: Frame[] = []
  const flush = (): void => {
    const batch = state === null ? session.first(...pending) : session.next(...pending)
    const next = derive(state && loadState(saveState(state)), decoded(batch), null)
    for (const { number, command } of next.commands) commands.set(number, structuredClone(command))
    state = next.state
    pending = []
  }
  let [lastMs, batchStartMs] = [0, 0]
  for (const line of frames) {
    const stream = streams[line.stream]
    if (stream === undefined) continue
    if (line.atMs - batchStartMs > batchMs && pending.length > 0) {
      flush()
      batchStartMs = line.atMs
    }
    const masked = line.masked as Frame['masked']
    pending.push({
      delayNs: BigInt(line.atMs - lastMs) * 1_000_000n,
      stream,
      data: dataOf(line),
      ...(masked && { masked }),
    })
    lastMs = line.atMs
  }
  flush()
  return [...commands.entries()].sort(([a], [b]) => a - b).map(([, command]) => command)
}
