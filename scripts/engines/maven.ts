import { withLock } from './cache.ts'
import { run } from './programs.ts'

/**
 * A goal of Maven's dependency plugin. One at a time: Maven 3 does not promise that two may fill one local repository.
 * -U: else a failure to fetch something is remembered for a day.
 */
export const maven = (goal: string, ...args: string[]): Promise<void> =>
  withLock('maven', () =>
    run('mvn', ['-B', '-U', `org.apache.maven.plugins:maven-dependency-plugin:3.8.1:${goal}`, ...args]),
  )
