import { compilers } from './checks/compilers.ts'
import { credentialAge } from './checks/credential-age.ts'
import { egressRestriction } from './checks/egress-restriction.ts'
import { forwardingAllowed } from './checks/forwarding-allowed.ts'
import { idleTimeout } from './checks/idle-timeout.ts'
import { keyStrength } from './checks/key-strength.ts'
import { listenAddress } from './checks/listen-address.ts'
import { loginShell } from './checks/login-shell.ts'
import { mfaRequired } from './checks/mfa-required.ts'
import { passwordAuthentication } from './checks/password-authentication.ts'
import { recordingEnforced } from './checks/recording-enforced.ts'
import { rootLogin } from './checks/root-login.ts'
import { sharedAccount } from './checks/shared-account.ts'
import { sharedKey } from './checks/shared-key.ts'
import { sourceRestriction } from './checks/source-restriction.ts'
import { sudoIgnoreFlags } from './checks/sudo-ignore-flags.ts'
import { unattendedUpgrades } from './checks/unattended-upgrades.ts'
import type { Check, Fact } from './verdict.ts'
import type { View } from './view.ts'

/** Every check, in the order in which people read them. */
export const checks: readonly Check[] = [
  passwordAuthentication,
  mfaRequired,
  rootLogin,
  sourceRestriction,
  listenAddress,
  forwardingAllowed,
  idleTimeout,
  recordingEnforced,
  loginShell,
  sudoIgnoreFlags,
  sharedAccount,
  sharedKey,
  keyStrength,
  credentialAge,
  unattendedUpgrades,
  compilers,
  egressRestriction,
]

/** What `asked` say of what was looked at. */
export const factsOf = (view: View, asked: readonly Check[] = checks): Fact[] =>
  asked.flatMap(({ id, fix, judge }) =>
    judge(view).map((verdict) => ({ check: id, ...verdict, ...(verdict.status !== 'ok' && { fix }) })),
  )
