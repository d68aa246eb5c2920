import { X509Certificate } from 'node:crypto'

/** SHA-256 of the DER form, 64 hex digits. `openssl x509 -noout -fingerprint -sha256` shows the same, with colons. */
export const fingerprintOf = (certificate: X509Certificate | string): string =>
  (typeof certificate === 'string' ? new X509Certificate(certificate) : certificate).fingerprint256
    .replaceAll(':', '')
    .toLowerCase()
