import test from 'ava'
import { isStepOfWrapper, isWrappedLogin } from '#ingest/indexer/wrapper.ts'

const login = ['/bin/bash', '/opt/bartizan/bartizan-session', '--recorded', '42']
const command = [...login, 'cat /etc/hosts']

test('a login through the wrapper is told from a command, and both from other programs', (t) => {
  t.true(isWrappedLogin(login))
  t.false(isWrappedLogin(command))
  t.is(isWrappedLogin(['/bin/bash', '-l']), null)
})

test("only the wrapper's own steps towards the command are its steps", (t) => {
  t.true(isStepOfWrapper(command, ['/usr/bin/perl', '-x', login[1]!, '42', '/bin/bash', '-c', 'cat /etc/hosts']))
  t.true(isStepOfWrapper(command, ['/bin/bash', '-c', 'cat /etc/hosts']))
  t.false(isStepOfWrapper(command, ['/usr/bin/cat', '/etc/hosts']))
  t.false(isStepOfWrapper(command, ['/bin/bash', '-c', 'something else']))
  t.false(isStepOfWrapper(login, ['/bin/bash', '-c']))
  t.false(isStepOfWrapper(['/bin/bash', '-c', 'id'], ['/bin/bash', '-c', 'id']))
})
