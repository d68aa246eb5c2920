import { setting } from '../read/sshd.ts'
import type { Check } from '../verdict.ts'
import { acrossUsers } from './across-users.ts'

const leastSeconds = 15 * 60
const mostSeconds = 30 * 60

export const idleTimeout: Check = {
  id: 'idle-timeout',
  about:
    'ClientAliveInterval × ClientAliveCountMax is not 15-30 minutes: a dead connection stays open for longer or for ever, or (`warn`) ends sooner',
  fix: 'in sshd_config: ClientAliveInterval 300, ClientAliveCountMax 3',
  judge: (view) =>
    acrossUsers(view, (sshd) => {
      const intervalSeconds = Number(setting(sshd, 'clientaliveinterval') || 0)
      const countMax = Number(setting(sshd, 'clientalivecountmax') || 3)
      const endsAfterSeconds = intervalSeconds * countMax // 0: never (sshd_config(5), ClientAliveCountMax)
      const detail = { intervalSeconds, countMax, endsAfterSeconds, leastSeconds, mostSeconds }
      if (!(endsAfterSeconds > 0 && endsAfterSeconds <= mostSeconds)) return { status: 'fail', detail }
      return { status: endsAfterSeconds < leastSeconds ? 'warn' : 'ok', detail }
    }),
}
