/** What a script printed, per `== title` line of it. */
export const stepsOf = (text: string): Record<string, string> =>
  Object.fromEntries(
    text
      .split(/^== /m)
      .slice(1)
      .map((part) => [part.slice(0, part.indexOf('\n')), part.slice(part.indexOf('\n') + 1)]),
  )
