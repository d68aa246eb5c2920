import { z } from 'zod'
import { CodeAnswer, NewCode } from '#services/schema/enrolment.ts'
import { listOf } from '#services/schema/session.ts'
import { OpenFindings } from '../agents/open-findings.ts'
import { AgentInfo } from '../agents/roster.ts'
import { Revoke, Revoked } from '../routes/agents.ts'
import type { Operation } from './operation.ts'

/** Agents, and how they say they are. */
export const agentsOperations: Operation[] = [
  {
    method: 'get',
    path: '/api/agents',
    summary: 'Every agent that is enrolled or was heard, and how it said it was',
    answer: listOf(AgentInfo),
  },
  {
    method: 'get',
    path: '/api/posture',
    summary: 'How much is not well on each bastion, by what it said in the last two days',
    answer: listOf(OpenFindings).extend({ complete: z.boolean() }),
  },
  {
    method: 'post',
    path: '/api/agents/{bastion}/codes',
    summary: 'Make a one-time code that enrols the agent of this bastion; it is shown once',
    body: NewCode,
    answer: CodeAnswer,
    status: 201,
  },
  {
    method: 'post',
    path: '/api/agents/{bastion}/revoke',
    summary: "Take the bastion's certificates, tokens, signing keys and codes back, within seconds",
    body: Revoke,
    answer: Revoked,
  },
]
