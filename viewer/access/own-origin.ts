import type { IncomingMessage } from 'node:http'
import { BartizanError } from '#services/errors.ts'

const hostOf = (origin: string): string | null => (URL.canParse(origin) ? new URL(origin).host : null)

/**
 * A page of any site may open WebSockets to any other, and browsers send their cookies with it; only they send Origin, and
 * always (RFC 6455, 10.2). A program that has a token sends none. @throws BTZ_FORBIDDEN
 */
export const refuseForeignOrigin = ({ headers }: Pick<IncomingMessage, 'headers'>, publicUrl: string): void => {
  const { origin, authorization, host } = headers
  const isOwn =
    origin === undefined ? authorization !== undefined : origin === new URL(publicUrl).origin || hostOf(origin) === host
  if (!isOwn) throw new BartizanError('BTZ_FORBIDDEN', 'pages of another origin do not watch here')
}
