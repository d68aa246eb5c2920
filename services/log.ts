import { type Logger, pino } from 'pino'
import pretty from 'pino-pretty'

export type { Logger }

/** Logs on standard error: lines for a person at a terminal, JSON lines for everything else. Secrets are never passed to a logger; known names are redacted too. */
export const createLogger = (name: string, level: string): Logger =>
  pino(
    {
      name,
      level,
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: ['token', '*.token', 'authorization', '*.authorization', 'cookie', '*.cookie'],
    },
    process.stderr.isTTY ? pretty({ destination: 2, sync: true, ignore: 'pid,hostname,name' }) : pino.destination(2),
  )
