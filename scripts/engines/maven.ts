import { run } from './programs.ts'

/** A goal of Maven's dependency plugin. -U: else a failure to fetch something is remembered for a day. */
export const maven = (goal: string, ...args: string[]): Promise<void> =>
  run('mvn', ['-B', '-U', `org.apache.maven.plugins:maven-dependency-plugin:2.8:${goal}`, ...args])
