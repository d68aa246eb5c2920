import type { TestFn } from 'ava'
import { consumeContract } from './bus-consume.ts'
import { crashContract } from './bus-crash.ts'
import { followContract } from './bus-follow.ts'
import { membersContract } from './bus-members.ts'
import type { MakeBusPlace } from './bus-place.ts'
import { produceContract } from './bus-produce.ts'

/** What every bus does. */
export const busContract = (test: TestFn, make: MakeBusPlace): void => {
  for (const part of [produceContract, consumeContract, membersContract, crashContract, followContract])
    part(test, make)
}
