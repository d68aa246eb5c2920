import type { Command } from 'commander'
import { type Config, loadConfig } from '#services/config.ts'

/** The configuration a command runs with: --config (or BARTIZAN_CONFIG), then the environment. */
export const configOf = (command: Command): Config =>
  loadConfig(command.optsWithGlobals<{ config?: string }>().config, process.env)
