import { hash } from 'node:crypto'
import type { NewRecord } from '#services/bus/bus.ts'
import type { SessionEvent } from '#services/schema/session-event.ts'

type Said = { of: 'agent' | 'import'; bastion: string; keyId: string; otherKeyIds?: string[] }

/** That a bastion has a signing key it did not have. The same key has the same event however often it is told. */
export const signingKeyEvent = ({ of, bastion, keyId, otherKeyIds }: Said, nowMs: number): NewRecord => {
  const event: SessionEvent = {
    id: hash('sha256', `${of}-key\n${bastion}\n${keyId}`),
    at: new Date(nowMs).toISOString(),
    kind: 'posture',
    source: 'receiver',
    bastion: bastion as SessionEvent['bastion'],
    check: `${of}-signing-key`,
    status: of === 'agent' ? 'warn' : 'ok', // an agent's follows another one
    detail: { keyId, ...(otherKeyIds && { otherKeyIds }) },
  }
  return { topic: 'session-events', key: bastion, value: Buffer.from(JSON.stringify(event)) }
}
