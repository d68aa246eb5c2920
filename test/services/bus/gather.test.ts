import test from 'ava'
import { createGathering } from '#services/bus/gather.ts'

test('what is added while one group is written forms the next group', async (t) => {
  const groups: number[][] = []
  const release: (() => void)[] = []
  const gathering = createGathering<number, number>(async (group) => {
    groups.push(group)
    await new Promise<void>((resolve) => release.push(resolve))
    return group.map((n) => n * 10)
  })
  const first = [gathering.add(1), gathering.add(2)]
  await Promise.resolve()
  const second = [gathering.add(3), gathering.add(4), gathering.add(5)]
  release.shift()!()
  t.deepEqual(await Promise.all(first), [10, 20])
  release.shift()!()
  t.deepEqual(await Promise.all(second), [30, 40, 50])
  t.deepEqual(groups, [
    [1, 2],
    [3, 4, 5],
  ])
  await gathering.idle()
})

test('a group that fails is its own members’ failure', async (t) => {
  const gathering = createGathering<number, number>(
    async (group) => {
      if (group.includes(13)) throw new Error('thirteen')
      return group
    },
    () => 1,
  )
  const [one, bad, two] = [gathering.add(1), gathering.add(13), gathering.add(2)]
  await t.throwsAsync(bad, { message: 'thirteen' })
  t.deepEqual(await Promise.all([one, two]), [1, 2])
})
