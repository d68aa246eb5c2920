import type { Clock } from '../clock.ts'
import { hasCode } from '../errors.ts'
import type { StateStore } from '../state/state-store.ts'
import type { Identity } from './identity.ts'

const keyOf = (keyId: string): string => `role-keys/${keyId}`

/** The keys with which processes of the cluster sign: in the state store, which agents cannot reach. */
export const createRoleKeys = ({ state, clock }: { state: StateStore; clock: Clock }) => ({
  register: async ({ keyId }: Pick<Identity, 'keyId'>): Promise<void> => {
    const registeredAt = new Date(clock.now()).toISOString()
    await state.put(keyOf(keyId), { registeredAt }, { ifRevision: 0 }).catch((error: unknown) => {
      if (!hasCode(error, 'BTZ_STATE_CONFLICT')) throw error // it was registered by an earlier start
    })
  },
  isKnown: async (keyId: string): Promise<boolean> => (await state.get(keyOf(keyId))) !== null,
})
export type RoleKeys = ReturnType<typeof createRoleKeys>
