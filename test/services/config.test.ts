import test from 'ava'
import { loadConfig, settings } from '#services/config.ts'

const at = (config: object, path: readonly string[]): unknown =>
  path.reduce<unknown>((value, name) => (value as Record<string, unknown>)[name], config)

const switches = settings().filter(({ path }) => typeof at(loadConfig(undefined, {}), path) === 'boolean')

test('the environment switches every setting that is on or off, those of the rules too', (t) => {
  t.true(switches.some(({ env }) => env === 'BARTIZAN_DETECTORS_RECORDING_GAP_ALLOW_TUNNELS'))
  for (const { env, path } of switches)
    for (const word of ['true', 'false']) t.is(at(loadConfig(undefined, { [env]: word }), path), word === 'true', env)
})

test('a word that is neither on nor off is refused by its name', (t) => {
  for (const { env, path } of switches)
    t.throws(() => loadConfig(undefined, { [env]: 'yes' }), {
      code: 'BTZ_CONFIG_INVALID',
      message: new RegExp(path.join('\\.')),
    })
})
