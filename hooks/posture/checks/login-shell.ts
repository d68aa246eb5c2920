import { shellName } from '../read/accounts.ts'
import { type Check, judged, named } from '../verdict.ts'
import { forcedProgram, isRecorder } from './recorded.ts'

/** sshd runs what it forces through the login shell. These do not read files of the user's then; dash is sh in Debian. */
const reticent = new Set(['sh', 'dash'])

export const loginShell: Check = {
  id: 'login-shell',
  about:
    "a recorded user's login shell reads files of his own (.bashrc, .zshenv, .cshrc, config.fish) before the recording begins",
  fix: 'usermod --shell /opt/bartizan/bartizan-session USER: the wrapper has to be the login shell itself (docs/record-a-bastion.md, step 2)',
  judge: (view) =>
    judged(view.sshd, ({ views }) =>
      judged(view.accounts, (accounts) => {
        const recorded = new Set(views.filter(({ sshd }) => isRecorder(forcedProgram(sshd))).map(({ user }) => user))
        const reading = accounts.filter(
          ({ user, shell }) => recorded.has(user) && !isRecorder(shell) && !reticent.has(shellName(shell)),
        )
        const shells = [...new Set(reading.map(({ shell }) => shellName(shell).slice(0, 64)))].slice(0, 20)
        const users = reading.map(({ user }) => user)
        return [{ status: users.length === 0 ? 'ok' : 'fail', detail: { shells, ...named(users, 'users') } }]
      }),
    ),
}
