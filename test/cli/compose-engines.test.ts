import test from 'ava'
import { onServices } from '#test/helpers/cluster.ts'
import { composeProject } from '#test/helpers/compose-project.ts'
import { checkHealth, stageOf, startElasticsearch, startKafka, startVersitygw } from '#test/helpers/compose-run.ts'
import { stopProcess } from '../../scripts/engines/process-identity.ts'

onServices(test, () => {
  test('what the compose file says starts the real engines, and their health checks tell whether they run', async (t) => {
    const { project, folder, secrets } = await composeProject(t)
    const stage = await stageOf(project, folder, secrets)
    for (const name of ['kafka', 'elasticsearch', 'versitygw']) t.not((await checkHealth(stage, name)).code, 0, name)
    const starts = [startKafka(stage), startVersitygw(stage), startElasticsearch(stage)]
    t.teardown(async () => {
      for (const start of await Promise.allSettled(starts)) if (start.status === 'fulfilled') await stopProcess(start.value)
    })
    await Promise.all(starts)
    for (const name of ['kafka', 'elasticsearch', 'versitygw']) t.is((await checkHealth(stage, name)).code, 0, name)
  })
})
