/** What the keys of the player do, in the order of the help. */
export const keyHelp = [
  ['Space, k', 'play or pause'],
  ['← →', '5 seconds back or on'],
  ['Shift ← →', '1 minute back or on'],
  [', .', 'one step back or on'],
  ['[ ]', 'to the mark before or after'],
  ['p n', 'to the hit before or after'],
  ['0 … 9', 'to this tenth'],
  ['Home End', 'to the beginning or the end'],
  ['< >', 'slower or faster'],
  ['s', 'shorten pauses, or do not'],
  ['i', 'show what was typed, or do not'],
  ['f', 'full screen'],
  ['c', 'copy a link to this moment'],
  ['l', 'to what happens now, of a running session'],
  ['?', 'this list'],
] as const

export type KeyAct =
  | { act: 'toggle' | 'step' | 'back-step' | 'mark' | 'back-mark' | 'hit' | 'back-hit' }
  | { act: 'faster' | 'slower' | 'idle' | 'typed' | 'full' | 'link' | 'live' | 'help' }
  | { act: 'by'; ms: number }
  | { act: 'to'; part: number }

const acts: Record<string, KeyAct> = {
  ' ': { act: 'toggle' },
  k: { act: 'toggle' },
  ',': { act: 'back-step' },
  '.': { act: 'step' },
  '[': { act: 'back-mark' },
  ']': { act: 'mark' },
  p: { act: 'back-hit' },
  n: { act: 'hit' },
  '>': { act: 'faster' },
  '<': { act: 'slower' },
  s: { act: 'idle' },
  i: { act: 'typed' },
  f: { act: 'full' },
  c: { act: 'link' },
  l: { act: 'live' },
  '?': { act: 'help' },
  Home: { act: 'to', part: 0 },
  End: { act: 'to', part: 1 },
}

type Key = { key: string; shiftKey: boolean; ctrlKey: boolean; altKey: boolean; metaKey: boolean }

/** What a key means to the player; null: nothing. */
export const actOf = ({ key, shiftKey, ctrlKey, altKey, metaKey }: Key): KeyAct | null => {
  if (ctrlKey || altKey || metaKey) return null
  if (key === 'ArrowLeft') return { act: 'by', ms: shiftKey ? -60_000 : -5_000 }
  if (key === 'ArrowRight') return { act: 'by', ms: shiftKey ? 60_000 : 5_000 }
  if (/^\d$/.test(key)) return { act: 'to', part: Number(key) / 10 }
  return acts[key] ?? null
}

/** Whether a key belongs to what has the focus: text that is written, a button that is pressed, an open dialog. */
export const isOthers = (target: EventTarget | null, key: string): boolean => {
  if (!(target instanceof HTMLElement)) return false
  if (target.isContentEditable || target.matches('input, textarea, select')) return true
  if (target.closest('[role="dialog"], [role="menu"], [role="listbox"]')) return true
  return (key === ' ' || key === 'Enter') && target.closest('button, a, [role="button"], [role="radio"]') !== null
}
