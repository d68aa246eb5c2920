import { setting } from '../read/sshd.ts'
import { type Check, judged, named } from '../verdict.ts'
import { waysIn } from './across-users.ts'
import { forcedProgram, isRecorder } from './recorded.ts'

export const recordingEnforced: Check = {
  id: 'recording-enforced',
  about:
    'nobody is recorded, or a recorded user can run something before the recording; `warn`: more than one account (the break-glass one) logs in unrecorded',
  fix: 'docs/record-a-bastion.md: add the users to the recorded group; PermitUserRC no and PermitUserEnvironment no in sshd_config',
  judge: (view) =>
    judged(view.sshd, ({ views, usersNotLookedAt }) => {
      const open = waysIn(view, views)
      const recorded = open.filter(({ sshd }) => isRecorder(forcedProgram(sshd)))
      const unrecorded = open.filter((each) => !recorded.includes(each)).map(({ user }) => user ?? 'anybody')
      const early = recorded.filter(
        ({ sshd }) => setting(sshd, 'permituserrc') === 'yes' || setting(sshd, 'permituserenvironment') !== 'no',
      )
      const isBroken = recorded.length === 0 || early.length > 0
      const detail = {
        recordedCount: recorded.length,
        ...named(unrecorded, 'unrecorded'),
        ...(early.length > 0 &&
          named(
            early.map(({ user }) => user),
            'runsBefore',
          )),
        ...(usersNotLookedAt > 0 && { usersNotLookedAt }),
      }
      return [{ status: isBroken ? 'fail' : unrecorded.length > 1 ? 'warn' : 'ok', detail }]
    }),
}
