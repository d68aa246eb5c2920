/**
 * What one check of a system found. `check` is a short stable name (`kafka topic session-frames`), `detail` says what was seen,
 * `fix` how to mend it (only where `ok` is false). `skipped`: it could not be looked at, and `detail` says why. Holds no
 * secret: findings are printed.
 */
export type Finding = { check: string; ok: boolean; detail: string; fix?: string; skipped?: true }
