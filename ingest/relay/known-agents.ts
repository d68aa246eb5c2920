import type { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { Request } from 'express'
import type { z } from 'zod'
import { certificateOf } from '#ingest/receiver/connection.ts'
import type { Sender } from '#ingest/receiver/sender.ts'
import { createSerial } from '#services/bus/serial.ts'
import type { Clock } from '#services/clock.ts'
import { diskError, systemCode } from '#services/disk-error.ts'
import { writeFileDurably } from '#services/durable-file.ts'
import { BartizanError } from '#services/errors.ts'
import { bastionOf, relayOf } from '#services/pki/agent-name.ts'
import { fingerprintOf } from '#services/pki/fingerprint.ts'
import { HeartbeatAnswer } from '#services/schema/uplink.ts'

/** As the receiver said last: kept on the disk for the days in which it cannot be asked. */
const Known = HeartbeatAnswer.shape.behind.unwrap()
type Known = z.infer<typeof Known>

const freshMs = 60_000 // what was issued just now may not be in what the receiver says next

export type Holder = { bastion: string; sha256: string; certificate: X509Certificate }

/** Whose certificate the connection was opened with. @throws BTZ_AUTH_REQUIRED */
export const holderOf = (request: Request): Holder => {
  const certificate = certificateOf(request)
  const bastion = certificate && relayOf(certificate) === null ? bastionOf(certificate) : null
  if (certificate && bastion !== null) return { bastion, certificate, sha256: fingerprintOf(certificate) }
  throw new BartizanError('BTZ_AUTH_REQUIRED', 'a certificate of an enrolled agent is needed', {
    hint: '`bartizan agents enrol-code --relay NAME` on the server prints the command that enrols an agent here',
  })
}

const read = async (file: string): Promise<Known> => {
  try {
    return Known.parse(JSON.parse(await readFile(file, 'utf8')))
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return []
    throw new BartizanError('BTZ_KEY_INVALID', `${file} is damaged`, {
      hint: 'remove it: the receiver tells it anew with the next heartbeat; until then no agent is taken',
      cause: error,
    })
  }
}

/** The agents behind this relay: by which certificates they are known, and when each was heard. */
export const openKnownAgents = async ({ file, clock }: { file: string; clock: Clock }) => {
  let known = new Map((await read(file)).map((one) => [one.bastion as string, one.certificates]))
  let written = JSON.stringify([...known])
  const fresh = new Map<string, { bastion: string; expiresAtMs: number; untilMs: number }>() // by SHA-256
  const heardMs = new Map<string, number>()

  const listed = (): Known =>
    [...known].map(([bastion, certificates]) => ({ bastion: bastion as Known[number]['bastion'], certificates }))
  const exclusively = createSerial()
  const writeChanged = async (): Promise<void> => {
    const text = JSON.stringify([...known])
    if (text === written) return
    await writeFileDurably(file, JSON.stringify(listed())).catch((error: unknown) => {
      throw diskError(error, file)
    })
    written = text
  }
  const write = () => exclusively(writeChanged)
  const withFresh = (told: Known): typeof known => {
    const next = new Map(told.map((one) => [one.bastion as string, one.certificates]))
    for (const [sha256, { bastion, expiresAtMs, untilMs }] of fresh) {
      if (clock.now() >= untilMs) fresh.delete(sha256)
      else
        next.set(bastion, [
          ...(next.get(bastion) ?? []).filter((one) => one.sha256 !== sha256),
          { sha256, expiresAtMs },
        ])
    }
    return next
  }
  return {
    /** What the receiver says now. @throws BTZ_DATA_UNWRITABLE BTZ_DISK_FULL: it counts all the same, until a restart */
    learn: async (told: Known): Promise<void> => {
      known = withFresh(told)
      await write()
    },
    /** One that the receiver issued just now, through us. */
    add: async (bastion: string, certificate: X509Certificate): Promise<void> => {
      const expiresAtMs = certificate.validToDate.getTime()
      fresh.set(fingerprintOf(certificate), { bastion, expiresAtMs, untilMs: clock.now() + freshMs })
      known = withFresh(listed())
      await write()
    },
    /** @throws BTZ_AUTH_REQUIRED */
    identify: async (request: Request): Promise<Sender> => {
      const { bastion, sha256 } = holderOf(request)
      const found = known.get(bastion)?.find((one) => one.sha256 === sha256)
      if (found && clock.now() < found.expiresAtMs)
        return { mayWriteFor: (other) => other === bastion, bastion, relay: null }
      const why = found ? 'has expired' : 'was revoked, or is not of an agent that was enrolled through this relay'
      throw new BartizanError('BTZ_AUTH_REQUIRED', `the certificate of this agent ${why}`, {
        hint: '`bartizan agents enrol-code --relay NAME` on the server prints the command that enrols it anew',
      })
    },
    heard: (bastion: string): void => void heardMs.set(bastion, clock.now()),
    /** By bastion; those of before a restart are not known. */
    heardMs: (): ReadonlyMap<string, number> => heardMs,
  }
}
export type KnownAgents = Awaited<ReturnType<typeof openKnownAgents>>
