import test from 'ava'
import { findJava, parseRelease } from '../../../scripts/engines/java.ts'
import { run } from '../../../scripts/engines/programs.ts'

const release = `IMPLEMENTOR="Eclipse Adoptium"
JAVA_VERSION="25.0.3"
MODULES="java.base jdk.jlink"
`

test('what a Java is stands in its release file', (t) => {
  t.deepEqual(parseRelease('/jdk', release), { home: '/jdk', version: 25, modules: ['java.base', 'jdk.jlink'] })
  t.is(parseRelease('/jdk', 'JAVA_VERSION="1.8.0_402"\n'), null)
  t.is(parseRelease('/jdk', ''), null)
})

test('without a Java that is new enough, the error says which is needed and what to do', async (t) => {
  const error = await t.throwsAsync(findJava('The engine', 999, ['jdk.jlink']))
  t.regex(error.message, /The engine needs Java 999 or later with the modules jdk\.jlink \(a full JDK\); found: /)
  t.regex(error.message, /Install one .* or set ES_JAVA_HOME/)
})

test.serial('without a program, the error says what to install', async (t) => {
  const path = process.env.PATH
  t.teardown(() => {
    process.env.PATH = path
  })
  process.env.PATH = '/nowhere'
  await t.throwsAsync(run('mvn', ['-v']), { message: /mvn is not installed: install Apache Maven 3\.8/ })
  await t.throwsAsync(run('go', ['version']), { message: /go is not installed: install Go 1\.26/ })
})

test('a program that fails shows the end of what it said', async (t) => {
  const error = await t.throwsAsync(run('sh', ['-c', 'seq 1 500; echo the reason >&2; exit 3']))
  t.regex(error.message, /^sh failed\. .*\n(\d+\n){19}the reason$/)
})
