export type TerminalSize = { cols: number; rows: number }

/**
 * Sizes beyond it are no terminal anybody looks at, and cost memory by their product; below 2 columns the player's
 * terminal breaks at a wide character that has nowhere to go.
 */
export const sizeLimits = { cols: { min: 2, max: 1000 }, rows: { min: 1, max: 500 } } as const

const within = (value: number, { min, max }: { min: number; max: number }): number =>
  Math.min(Math.max(Math.trunc(value) || min, min), max)
export const clampSize = ({ cols, rows }: TerminalSize): TerminalSize => ({
  cols: within(cols, sizeLimits.cols),
  rows: within(rows, sizeLimits.rows),
})
