import type { Broker, Cluster, GroupMember, GroupMemberAssignment, GroupState } from 'kafkajs'

/** Requests of the classic group protocol, which the library's broker has, but does not declare. */
export type Coordinator = Broker & {
  joinGroup(request: {
    groupId: string
    sessionTimeout: number
    rebalanceTimeout: number
    memberId: string
    groupProtocols: GroupState[]
  }): Promise<{ generationId: number; leaderId: string; memberId: string; members: GroupMember[] }>
  syncGroup(request: {
    groupId: string
    generationId: number
    memberId: string
    groupAssignment: GroupMemberAssignment[]
  }): Promise<{ memberAssignment: Buffer }>
  heartbeat(request: { groupId: string; groupGenerationId: number; memberId: string }): Promise<void>
  leaveGroup(request: { groupId: string; memberId: string }): Promise<void>
}

/** Finds the broker that keeps a group, and keeps it until a request to it fails. */
export const createCoordination = (cluster: Cluster, groupId: string) => {
  let found: Promise<Coordinator> | null = null
  return async <T>(act: (coordinator: Coordinator) => Promise<T>): Promise<T> => {
    found ??= cluster.findGroupCoordinator({ groupId }) as Promise<Coordinator>
    const mine = found
    try {
      return await act(await mine)
    } catch (error) {
      if (found === mine) found = null
      throw error
    }
  }
}
export type Coordination = ReturnType<typeof createCoordination>
