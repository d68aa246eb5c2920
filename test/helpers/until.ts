/** On a slow machine everything takes longer and nothing else changes: limits are stretched by this. */
export const patience = Number(process.env.TEST_PATIENCE ?? 1)

export const until = async (
  condition: () => boolean | Promise<boolean>,
  { limitMs = 10_000, everyMs = 20, what = 'condition' }: { limitMs?: number; everyMs?: number; what?: string } = {},
): Promise<void> => {
  const end = Date.now() + limitMs * patience
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`${what}: not within ${limitMs} ms`)
    await new Promise((resolve) => setTimeout(resolve, everyMs))
  }
}
