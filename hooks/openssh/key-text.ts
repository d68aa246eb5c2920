import type { KeyText } from './state.ts'
import { asTyped } from './written-text.ts'

const isWord = (text: string): boolean => text.length > 0 && text.length <= 128 && !text.includes(' ')

/** `ED25519 SHA256:…` and nothing else. */
export const isPlainKey = (text: string): boolean => {
  const space = text.indexOf(' ')
  return space > 0 && isWord(text.slice(0, space)) && isWord(text.slice(space + 1))
}

/** `TYPE-CERT [FINGERPRINT ]ID any words (serial N) CA TYPE FINGERPRINT`: the id is free text, so it ends at the last `(serial`. */
const readCertificate = (text: string): KeyText | null => {
  const type = text.slice(0, text.indexOf(' '))
  const idWord = text.indexOf('ID ', type.length)
  const serial = text.lastIndexOf(' (serial ')
  const close = text.indexOf(') CA ', serial)
  if (!type.endsWith('-CERT') || idWord < 0) return null
  const fingerprint = text.slice(type.length + 1, idWord).trim()
  if (fingerprint !== '' && !isWord(fingerprint)) return null
  const key = { keyType: type, keyFingerprint: fingerprint === '' ? null : fingerprint }
  const id = (end?: number): string => asTyped(text.slice(idWord + 3, end)).slice(0, 512)
  // An id so long that the line ends in it.
  if (serial < idWord || close < 0) return { ...key, certId: id(), certSerial: null, certCa: null }
  const [authority = ''] =
    text
      .slice(close + 5)
      .split(' ', 2)[1]
      ?.split(',', 1) ?? []
  return {
    ...key,
    certId: id(serial),
    certSerial: text.slice(serial + 9, close).slice(0, 64),
    certCa: authority.slice(0, 128) || null,
  }
}

export const readKeyText = (text: string): KeyText | null => {
  if (isPlainKey(text)) {
    const [keyType, keyFingerprint] = text.split(' ', 2) as [string, string]
    return { keyType, keyFingerprint, certId: null, certSerial: null, certCa: null }
  }
  const certificate = readCertificate(text)
  if (certificate) return certificate
  // hostbased: `TYPE FINGERPRINT, client user "…", client host "…"`
  const [keyType = '', fingerprint = ''] = text.slice(0, 300).split(' ', 2)
  const comma = fingerprint.indexOf(',')
  if (comma < 1) return null
  return {
    keyType,
    keyFingerprint: fingerprint.slice(0, Math.min(comma, 128)),
    certId: null,
    certSerial: null,
    certCa: null,
  }
}
