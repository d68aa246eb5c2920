import type { StoredVersion } from '../../recordings/disposal-store.ts'

/** Why a version stays. `undated`: no date says that it may go, and what it stands over or under stays. */
export type Kept = 'retained' | 'held' | 'undated'
export type Judged = { disposable: StoredVersion[]; kept: { version: StoredVersion; why: Kept }[] }

const isPast = ({ retainedUntil }: StoredVersion, pastMs: number): boolean =>
  retainedUntil !== null && retainedUntil.getTime() <= pastMs

/**
 * What may go of the versions of one key, in the order in which it has to go. A version goes when its date is past and no
 * hold is on it. What has no date was put over the evidence by somebody else: it goes with the evidence, and before it,
 * so that a crash in between leaves a date to judge the rest by. `keeps`: what people decided about the session.
 */
export const judge = (
  versions: readonly StoredVersion[],
  pastMs: number,
  keeps: { held: boolean; untilMs: number },
): Judged => {
  const whyKept = (version: StoredVersion): Kept | null => {
    if (keeps.held || version.isHeld) return 'held'
    if (version.retainedUntil === null) return null
    return isPast(version, pastMs) && keeps.untilMs <= pastMs ? null : 'retained'
  }
  const judged = versions.map((version) => ({ version, why: whyKept(version) }))
  const dated = judged.filter(({ version }) => version.retainedUntil !== null)
  const allGo = dated.length > 0 && judged.every(({ why }) => why === null)
  const kept: Judged['kept'] = []
  const disposable: StoredVersion[] = []
  for (const { version, why } of judged) {
    if (why !== null) kept.push({ version, why })
    else if (version.retainedUntil === null && !allGo) kept.push({ version, why: 'undated' })
    else disposable.push(version)
  }
  const undatedFirst = (a: StoredVersion, b: StoredVersion) =>
    Number(a.retainedUntil !== null) - Number(b.retainedUntil !== null)
  return { disposable: disposable.sort(undatedFirst), kept }
}
