import test from 'ava'
import { startWorkerCalls } from '#services/worker-calls.ts'
import type { CrashingOperations } from './crashing-worker.ts'

const start = (maxPending = 100) =>
  startWorkerCalls<CrashingOperations>({
    file: new URL('./crashing-worker.ts', import.meta.url),
    data: null,
    what: 'the test worker',
    maxPending,
  })

test('answers come to their callers, errors with their code and hint', async (t) => {
  const worker = await start()
  const texts = Array.from({ length: 50 }, (_, n) => `text ${n}`)
  t.deepEqual(await Promise.all(texts.map((text) => worker.call('echo', text))), texts)
  await t.throwsAsync(worker.call('refuse'), { code: 'BTZ_STATE_CONFLICT', message: 'not like this' })
  t.like(await worker.call('refuse').catch((error) => error), { hint: 'like that' })
  await worker.close()
})

test('a worker that exits fails every waiting call and all later ones, and can be closed', async (t) => {
  const worker = await start()
  const waiting = [worker.call('exit'), worker.call('echo', 'a'), worker.call('echo', 'b')]
  for (const call of waiting) {
    await t.throwsAsync(call, { code: 'BTZ_UNAVAILABLE', message: 'the test worker stopped with exit code 3' })
  }
  await t.throwsAsync(worker.call('echo', 'c'), { code: 'BTZ_UNAVAILABLE' })
  await worker.close()
})

test('a worker that throws outside a call says why it stopped', async (t) => {
  const worker = await start()
  const error = await t.throwsAsync(async () => {
    await worker.call('crash')
    for (;;) await worker.call('echo', 'still there?')
  })
  t.like(error, { code: 'BTZ_UNAVAILABLE', message: 'the test worker stopped: lost its mind' })
})

test('calls beyond the limit are refused at once, the others answered', async (t) => {
  const worker = await start(3)
  const calls = await Promise.allSettled(['a', 'b', 'c', 'd'].map((text) => worker.call('echo', text)))
  t.deepEqual(
    calls.map((call) => (call.status === 'fulfilled' ? call.value : call.reason.code)),
    ['a', 'b', 'c', 'BTZ_UNAVAILABLE'],
  )
  t.is(await worker.call('echo', 'free again'), 'free again')
  await worker.close()
})

test('a worker that cannot be loaded is an error of the start', async (t) => {
  const file = new URL('./no-such-worker.ts', import.meta.url)
  await t.throwsAsync(startWorkerCalls({ file, data: null, what: 'the test worker', maxPending: 1 }), {
    code: 'BTZ_UNAVAILABLE',
    message: /^the test worker stopped: .*no-such-worker/,
  })
})
