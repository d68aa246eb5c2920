import { type CookieOptions, Router } from 'express'
import { z } from 'zod'
import { BartizanError } from '#services/errors.ts'
import { Role } from '#services/schema/access.ts'
import { BastionName } from '#services/schema/ids.ts'
import { allow, authenticate, cookieName, principalOf } from '../access/authenticate.ts'
import type { ViewerContext } from '../context.ts'
import { parseInput } from './input.ts'

export const NewToken = z
  .strictObject({ role: Role, name: z.string().trim().min(1).max(128), bastion: BastionName.optional() })
  .refine(
    ({ role, bastion }) => role === 'ingest' || bastion === undefined,
    'only the role ingest speaks for a bastion',
  )
export const NewLoginLink = z.strictObject({
  role: Role.exclude(['ingest', 'siem']).default('admin'),
  name: z.string().trim().min(1).max(128).default('owner'),
})
export const SignIn = z.strictObject({ code: z.string().min(16).max(256) })

/** Sign-in itself: the only route, besides health and the console's files, that needs no credentials. */
export const signInRoutes = (context: ViewerContext): Router => {
  const router = Router()
  const cookie = (): CookieOptions => ({
    httpOnly: true,
    sameSite: 'strict',
    secure: context.publicUrl().startsWith('https:'),
    path: '/',
    maxAge: context.config.viewer.sessionHours * 3_600_000,
  })

  router.post('/api/sign-in', async (request, response) => {
    const { code } = parseInput(SignIn, request.body)
    const principal = await context.loginLinks.redeem(code)
    if (!principal) {
      throw new BartizanError('BTZ_AUTH_REQUIRED', 'the sign-in link was used already, or is too old', {
        hint: '`bartizan login` prints a new one',
      })
    }
    await context.audit({ principal, action: 'login', sourceIp: request.ip })
    response.cookie(cookieName, await context.browserSessions.open(principal), cookie())
    response.json({ name: principal.name, role: principal.role })
  })

  router.post('/api/sign-out', authenticate(context), async (request, response) => {
    const secret = /(?:^|;\s*)bartizan_session=([^;]{1,256})/.exec(request.headers.cookie ?? '')?.[1]
    if (secret) await context.browserSessions.close(secret)
    response.clearCookie(cookieName, { path: '/' }).status(204).end()
  })
  return router
}

export const accessRoutes = (context: ViewerContext): Router => {
  const router = Router()
  const { tokens, loginLinks, audit } = context

  router.get('/api/me', (_request, response) => {
    const { name, role } = principalOf(response)
    const { bastion, access } = context.config
    response.json({
      name,
      role,
      bastion,
      contentReason: access.reason,
      shares: access.shares,
      shareHours: access.shareHours,
    })
  })

  router.post('/api/login-links', allow('login.issue'), async (request, response) => {
    const link = parseInput(NewLoginLink, request.body ?? {})
    const principal = principalOf(response)
    await audit({ principal, action: 'login.issue', object: `${link.name} (${link.role})`, sourceIp: request.ip })
    const { code, expiresAt } = await loginLinks.issue({ ...link, actor: principal.name })
    // After `#`, so that the code reaches no server log and no Referer.
    response.status(201).json({ url: `${context.publicUrl()}/sign-in#${code}`, expiresAt })
  })

  router.get('/api/tokens', allow('token.manage'), async (_request, response) => {
    const items = await tokens.list()
    response.json({ items, next: null, total: { value: items.length, relation: 'eq' } })
  })

  router.post('/api/tokens', allow('token.manage'), async (request, response) => {
    const token = parseInput(NewToken, request.body)
    const principal = principalOf(response)
    await audit({ principal, action: 'token.create', object: `${token.name} (${token.role})`, sourceIp: request.ip })
    const bastion = token.role === 'ingest' ? { bastion: token.bastion ?? context.config.bastion } : {}
    const { role, name } = token
    response.status(201).json(await tokens.create({ role, name, ...bastion, actor: principal.name }))
  })

  router.delete('/api/tokens/:id', allow('token.manage'), async (request, response) => {
    const id = String(request.params.id)
    await audit({ principal: principalOf(response), action: 'token.revoke', object: id, sourceIp: request.ip })
    await tokens.revoke(id)
    response.status(204).end()
  })
  return router
}
