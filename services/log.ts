import { type Logger, pino } from 'pino'

export type { Logger }

/** For a person at a terminal only: an agent has no use for what it takes to load that. */
const pretty = process.stderr.isTTY ? (await import('pino-pretty')).default : null

/** Logs on standard error: lines for a person at a terminal, JSON lines for everything else. Secrets are never passed to a logger; known names are redacted too. */
export const createLogger = (name: string, level: string): Logger =>
  pino(
    {
      name,
      level,
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: ['token', '*.token', 'authorization', '*.authorization', 'cookie', '*.cookie'],
    },
    pretty ? pretty({ destination: 2, sync: true, ignore: 'pid,hostname,name' }) : pino.destination(2),
  )
