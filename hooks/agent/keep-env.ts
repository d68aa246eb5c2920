const maxValueChars = 4096

/** Of an environment only what the operator allowed: it is full of secrets. Long values are cut. */
export const keepEnv = (env: Readonly<Record<string, string>>, names: readonly string[]): Record<string, string> =>
  Object.fromEntries(
    names.flatMap((name) => (Object.hasOwn(env, name) ? [[name, env[name]!.slice(0, maxValueChars)]] : [])),
  )
