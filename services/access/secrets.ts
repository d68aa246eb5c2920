import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'

/** 256 random bits: too many to guess, so that a plain hash protects them at rest. 43 characters of base64url. */
export const newSecret = (): string => randomBytes(32).toString('base64url')

export const sha256Hex = (text: string): string => createHash('sha256').update(text).digest('hex')

/** Takes the same time wherever the two differ. Both are SHA-256 in hex. */
export const sameHash = (a: string, b: string): boolean => timingSafeEqual(Buffer.from(a, 'hex'), Buffer.from(b, 'hex'))
