import { type Logger, pino } from 'pino'

export type { Logger }

/** Structured logs (JSON lines) on standard error. Secrets are never passed to a logger; known names are redacted too. */
export const createLogger = (name: string, level: string): Logger =>
  pino(
    {
      name,
      level,
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: ['token', '*.token', 'authorization', '*.authorization', 'cookie', '*.cookie'],
    },
    pino.destination(2),
  )
