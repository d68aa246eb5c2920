import { join } from 'node:path'
import { readAsciicast } from '#hooks/asciicast/asciicast.ts'
import type { FileSteps } from '#hooks/recorded-file.ts'
import { format as sudoIolog } from '#hooks/sudo-iolog/log-file.ts'
import { readSudoIolog } from '#hooks/sudo-iolog/sudo-iolog.ts'
import { byteStreams } from '#hooks/sudo-iolog/timing.ts'
import { readTtyrec } from '#hooks/ttyrec/ttyrec.ts'
import { BartizanError } from '#services/errors.ts'

/** Bytes of one file of a recording, unpacked; null: there is none of this name. */
export type Open = (name: string) => AsyncIterable<Buffer> | null

export type RecordingFormat = {
  /** Of files that are looked for in folders. Null: a recording is a folder itself, and has `parts`. */
  suffix: RegExp | null
  parts: readonly string[]
  read(open: Open): FileSteps
}

/** The name that stands for the one file of a recording which is one file. */
const wholeFile = ''
const ofOneFile = (suffix: RegExp, read: (chunks: AsyncIterable<Buffer>) => FileSteps): RecordingFormat => ({
  suffix,
  parts: [wholeFile],
  read: (open) => {
    const chunks = open(wholeFile)
    if (chunks === null) throw new BartizanError('BTZ_IMPORT_FAILED', 'it is gone')
    return read(chunks)
  },
})

export const recordingFormats = {
  asciicast: ofOneFile(/\.cast(?:\.gz|\.zst)?$/, readAsciicast),
  ttyrec: ofOneFile(/\.(?:ttyrec|tty)(?:\.gz|\.zst)?$/, readTtyrec),
  [sudoIolog]: {
    suffix: null,
    parts: ['log.json', 'log', 'timing', ...byteStreams.map(({ file }) => file)],
    read: readSudoIolog,
  },
} satisfies Record<string, RecordingFormat>
export type FormatName = keyof typeof recordingFormats

export const isRecordingFormat = (name: string): name is FormatName => Object.hasOwn(recordingFormats, name)
/** sudo packs all of a log or none of it: what a command printed may itself begin like a packed file. */
export const packingTold = 'timing'
export const pathOf = (recording: string, part: string): string =>
  part === wholeFile ? recording : join(recording, part)
