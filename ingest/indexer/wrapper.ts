/** The wrapper of hooks/sudo/setup has sudo start `bash WRAPPER --recorded PID`, and the command behind it if there is one. */

/** Whether it was asked for a login, not for one command. Null: the session was not started by it. */
export const isWrappedLogin = (argv: readonly string[]): boolean | null =>
  argv[2] === '--recorded' ? argv.length === 4 : null

/** Whether an exec is a step of the wrapper on its way to the command of the session, and none of the user's. */
export const isStepOfWrapper = (session: readonly string[], executed: readonly string[]): boolean => {
  const [, wrapper, mode, , command] = session
  if (mode !== '--recorded') return false
  const [, option, of] = executed
  return (option === '-x' && of === wrapper) || (option === '-c' && of !== undefined && of === command)
}
