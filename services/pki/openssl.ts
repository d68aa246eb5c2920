import { execFile } from 'node:child_process'
import { randomBytes, X509Certificate } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { BartizanError } from '../errors.ts'

const run = promisify(execFile)
const limitMs = 20_000

export type CertificateRequest = {
  /** A folder of ours, of mode 0700, for what openssl reads from files. */
  folder: string
  /** PEM file with certificate and key of the issuer; null: the certificate is its own issuer, with `keyFile`. */
  issuer: { caFile: string } | { keyFile: string }
  /** SPKI, PEM. */
  publicKey: string
  commonName: string
  days: number
  /** Lines of x509v3_config(5). */
  extensions: string[]
}

/** 127 random bits, positive (RFC 5280, 4.1.2.2). */
const newSerial = (): string => {
  const bytes = randomBytes(16)
  bytes[0] = (bytes[0]! & 0x7f) | 0x40
  return `0x${bytes.toString('hex')}`
}

const signing = (issuer: CertificateRequest['issuer']): string[] =>
  'caFile' in issuer ? ['-CA', issuer.caFile, '-CAkey', issuer.caFile] : ['-key', issuer.keyFile]

const subjectOf = (commonName: string): string => {
  if (/^[A-Za-z0-9 ._-]{1,64}$/.test(commonName)) return `/CN=${commonName}`
  throw new BartizanError('BTZ_REQUEST_INVALID', 'the name does not fit into a certificate')
}

/**
 * A certificate in PEM. node:crypto reads X.509 but does not write it; openssl-x509(1) does, without a request
 * (`-new -force_pubkey`), so that whoever is certified keeps the private key and needs no openssl.
 * @throws BTZ_CERTIFICATE
 */
export const makeCertificate = async (request: CertificateRequest): Promise<string> => {
  const { folder, issuer, publicKey, commonName, days, extensions } = request
  const subject = subjectOf(commonName)
  const scratch = await mkdtemp(join(folder, '.issue-'))
  try {
    const [keyFile, extensionFile] = [join(scratch, 'public.pem'), join(scratch, 'extensions')]
    await writeFile(keyFile, publicKey)
    await writeFile(extensionFile, `${extensions.join('\n')}\n`)
    const made = ['x509', '-new', '-sha256', '-force_pubkey', keyFile, '-subj', subject, '-days', String(days)]
    const args = [...made, '-set_serial', newSerial(), '-extfile', extensionFile, ...signing(issuer)]
    const { stdout } = await run('openssl', args, { timeout: limitMs, maxBuffer: 64 * 1024 })
    return new X509Certificate(stdout).toString()
  } catch (cause) {
    throw new BartizanError('BTZ_CERTIFICATE', 'openssl made no certificate', {
      hint: 'is the package openssl, version 3, installed?',
      cause,
    })
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}
