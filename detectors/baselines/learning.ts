import type { RuleContext } from '../rule.ts'
import { dayMs } from '../utc-day.ts'

/** Whether too little was seen of the user to say what is usual. */
export const isLearning = (context: Pick<RuleContext, 'directory' | 'settings' | 'facts'>, timeMs: number): boolean => {
  const { directory, settings, facts } = context
  const days = directory.policy.learningDays ?? settings.learningDays
  return facts.loginCount < settings.learningLogins || timeMs - facts.firstAtMs < days * dayMs
}
