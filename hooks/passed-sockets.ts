const first = 3 // SD_LISTEN_FDS_START
const names = ['sudo', 'record'] as const

/** Descriptors of listening sockets: of the sudo log server, of `bartizan record`. */
export type PassedSockets = Partial<Record<(typeof names)[number], number>>

/**
 * What a service manager holds for us and passes on, told apart by FileDescriptorName= (sd_listen_fds_with_names(3)).
 * A single one without a name of ours is that of sudo.
 */
export const passedSockets = (env: NodeJS.ProcessEnv, pid: number): PassedSockets => {
  if (env.LISTEN_PID !== String(pid) || !/^[1-9]$/.test(env.LISTEN_FDS ?? '')) return {}
  const given = (env.LISTEN_FDNAMES ?? '').split(':').slice(0, Number(env.LISTEN_FDS))
  const found = names.flatMap((name) => (given.includes(name) ? [[name, first + given.indexOf(name)]] : []))
  return found.length === 0 && env.LISTEN_FDS === '1' ? { sudo: first } : Object.fromEntries(found)
}
