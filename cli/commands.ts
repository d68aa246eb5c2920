import type { Command } from 'commander'

type Make = () => Command

/** One of the roles, which share a file. */
const role = (name: string) => async (): Promise<Command> => {
  const { roleCommands } = await import('./roles.ts')
  return roleCommands.map((make) => make()).find((command) => command.name() === name)!
}
const made = (load: () => Promise<Make>) => async (): Promise<Command> => (await load())()

/** In the order of `--help`. Loaded when asked for: the agent has no use for a console, and starts in half the time. */
export const commands: Record<string, () => Promise<Command>> = {
  up: made(async () => (await import('./up.ts')).upCommand),
  agent: made(async () => (await import('./agent.ts')).agentCommand),
  agents: made(async () => (await import('./agents.ts')).agentsCommand),
  relay: made(async () => (await import('./relay.ts')).relayCommand),
  receiver: role('receiver'),
  ingest: role('ingest'),
  detectors: role('detectors'),
  delivery: role('delivery'),
  custodian: role('custodian'),
  viewer: role('viewer'),
  record: made(async () => (await import('./record.ts')).recordCommand),
  live: made(async () => (await import('./live.ts')).liveCommand),
  login: made(async () => (await import('./login.ts')).loginCommand),
  import: made(async () => (await import('./import.ts')).importCommand),
  token: made(async () => (await import('./token.ts')).tokenCommand),
  approvals: made(async () => (await import('./approvals.ts')).approvalsCommand),
  config: made(async () => (await import('./config.ts')).configCommand),
  backtest: made(async () => (await import('./backtest.ts')).backtestCommand),
  setup: made(async () => (await import('./setup.ts')).setupCommand),
  doctor: made(async () => (await import('./doctor/doctor.ts')).doctorCommand),
  verify: made(async () => (await import('./verify.ts')).verifyCommand),
  erase: made(async () => (await import('./erase.ts')).eraseCommand),
  hold: made(async () => (await import('./hold.ts')).holdCommand),
  custody: made(async () => (await import('./custodian.ts')).custodyCommand),
  dispose: made(async () => (await import('./dispose.ts')).disposeCommand),
  reindex: made(async () => (await import('./reindex.ts')).reindexCommand),
  backup: made(async () => (await import('./backup.ts')).backupCommand),
  restore: made(async () => (await import('./restore.ts')).restoreCommand),
  coverage: made(async () => (await import('./coverage.ts')).coverageCommand),
  posture: made(async () => (await import('./posture.ts')).postureCommand),
  sinks: made(async () => (await import('./sinks.ts')).sinksCommand),
  'dead-letters': made(async () => (await import('./dead-letters.ts')).deadLettersCommand),
}

/** The one that the arguments name, or all of them: help, and names that are none. */
export const commandsFor = (args: readonly string[]): Promise<Command[]> => {
  const isFileName = (at: number): boolean => args[at - 1] === '-c' || args[at - 1] === '--config'
  const named = args.find((arg, at) => Object.hasOwn(commands, arg) && !isFileName(at))
  const isHelp = args[0] === undefined || args[0] === 'help' || (args[0].startsWith('-') && named === undefined)
  const asked = named === undefined || isHelp ? Object.values(commands) : [commands[named]!]
  return Promise.all(asked.map((load) => load()))
}
