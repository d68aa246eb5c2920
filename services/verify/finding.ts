/**
 * `sealed`: what anybody can check, without a key. `content`: what it takes the session's key for, and the registered
 * keys of its agents.
 */
export type Level = 'sealed' | 'content'

/**
 * `tampered`: something contradicts what was written. `incomplete`: what is there is good, and something that belongs
 * there is not. `unknown`: it cannot be told.
 */
export type Verdict = 'tampered' | 'incomplete' | 'unknown'

/** `byteOffset`: in the object. */
export type Where = { key: string; frame?: number; batchSeq?: number; byteOffset?: number }

/** `what`: a short name that programs can rely on; `detail`: the same for a person. */
export type Finding = { level: Level; verdict: Verdict; what: string; where: Where; detail: string }

/** Who vouches for a session: a key that was registered for its bastion. */
export type Signer = { keyId: string; purpose: 'agent' | 'import'; revokedAt: string | null; heads: number }

/** What was looked at of one session, or of one run of event blocks. `batches` and what follows it: level content only. */
export type Checked = {
  prefix: string
  sessionId: string | null
  objects: number
  bytes: number
  retainUntil: string | null // the earliest of its objects
  batches: number
  masked: number
  signers: Signer[]
}

/**
 * Exit codes of `verify`. What cannot be told goes before what is incomplete: "the rest is good" cannot be said while
 * some of it could not be looked at.
 */
export const exitCodes = { tampered: 1, incomplete: 2, unknown: 3 } as const

/** The verdict over several findings; `ok` without any. */
export const worst = (verdicts: Iterable<Verdict>): Verdict | 'ok' => {
  const seen = new Set(verdicts)
  return (['tampered', 'unknown', 'incomplete'] as const).find((verdict) => seen.has(verdict)) ?? 'ok'
}

/** Counts what is read of a group. `add` returns how many objects there have been. */
export const createTally = (prefix: string, sessionId: string | null) => {
  let objects = 0
  let bytes = 0
  let retainUntil: string | null = null
  return {
    add: (read: { object: { retainUntil: Date | null }; bytes: Uint8Array | null }): number => {
      const until = read.object.retainUntil?.toISOString() ?? null
      if (until !== null && (retainUntil === null || until < retainUntil)) retainUntil = until
      bytes += read.bytes?.byteLength ?? 0
      return ++objects
    },
    counts: (): Checked => ({ prefix, sessionId, objects, bytes, retainUntil, batches: 0, masked: 0, signers: [] }),
  }
}
