import type { RuleId, Severity } from './alert.ts'

/** What there is to know of a rule before it finds anything: for `/api/rules`, the manual and what goes to a SIEM. */

/** Of MITRE ATT&CK for Enterprise; version 19 splits the tactic Defense Evasion, which most receivers still know. */
export const attackVersion = '18'
/** In ATT&CK (attack.mitre.org/techniques/<id>). */
export type Technique = { id: string; name: string; tactic: { id: string; name: string } }

export type RuleFacts = {
  title: string
  description: string // what it looks at, and what makes it speak
  severities: readonly Severity[] // those that its alerts may have, least first
  technique: Technique
  /** What it decides by: names of DetectorSettings, of one or of a group of them. */
  settings: readonly string[]
}

const initialAccess = { id: 'TA0001', name: 'Initial Access' }
const credentialAccess = { id: 'TA0006', name: 'Credential Access' }
const validAccounts: Technique = { id: 'T1078', name: 'Valid Accounts', tactic: initialAccess }
const bruteForce: Technique = { id: 'T1110', name: 'Brute Force', tactic: credentialAccess }

const everyRule = ['directoryFile', 'horizonMs'] as const
const ofHabits = [...everyRule, 'learningDays', 'learningLogins'] as const

export const ruleFacts: Record<RuleId, RuleFacts> = {
  'off-hours-login': {
    title: 'Login at an unusual hour',
    description:
      'A login at an hour of the week at which this person, and people like them, do not work: by their own history in their own zone, the working calendar and holidays. Duty, shifts and travel that the directory knows of explain it.',
    severities: ['info', 'low', 'medium', 'high'],
    technique: validAccounts,
    settings: [...ofHabits, 'offHours'],
  },
  'new-source-ip': {
    title: 'Login from a place not seen before',
    description:
      'A login from an address, and a network, that this person never came from. Offices, VPNs and addresses that colleagues use explain it; a country nobody announced, or failures before it, make it worse.',
    severities: ['info', 'low', 'medium', 'high'],
    technique: validAccounts,
    settings: [...ofHabits, 'geoFile', 'newSourceIp'],
  },
  'auth-failures': {
    title: 'Attempts to guess a login',
    description:
      'Failed logins aimed at accounts that exist: many from one address, slow on purpose, over many accounts, or over many networks against one account. Names that nobody has, tried on a bastion that faces the internet, are told in the daily digest only.',
    severities: ['info', 'low', 'medium'],
    technique: bruteForce,
    settings: [...everyRule, 'authFailures'],
  },
  'auth-success-after-failures': {
    title: 'Somebody got in after failed attempts',
    description:
      'A login after a run of failures against the same account, or from an address that tried many names before: whoever guessed may have guessed right.',
    severities: ['info', 'high'],
    technique: bruteForce,
    settings: [...everyRule, 'authSuccess'],
  },
  'bulk-transfer': {
    title: 'Unusually much data moved',
    description:
      'Bytes or files moved by sftp, scp, rsync or through a terminal, in a session, a day or a week, far above what this person and their peers move, and above a floor.',
    severities: ['info', 'low', 'medium', 'high'],
    technique: {
      id: 'T1048',
      name: 'Exfiltration Over Alternative Protocol',
      tactic: { id: 'TA0010', name: 'Exfiltration' },
    },
    settings: [...ofHabits, 'bulkTransfer'],
  },
  'privilege-escalation': {
    title: 'Unusual way to more privileges',
    description:
      'Commands that give a shell of another user, change who may become root, or were refused by sudo several times, by people who do not do that for a living. Read from what was executed, options and all.',
    severities: ['info', 'low', 'medium', 'high'],
    technique: {
      id: 'T1548.003',
      name: 'Abuse Elevation Control Mechanism: Sudo and Sudo Caching',
      tactic: { id: 'TA0004', name: 'Privilege Escalation' },
    },
    settings: [...ofHabits, 'privilegeEscalation'],
  },
  'recording-gap': {
    title: 'Something was not recorded',
    description:
      'A login that no recording follows, a recorder that was killed, a connection that only forwards, an agent that fell silent, or one that will cost recordings soon: its clock is off, its spool fills, a hook does not listen.',
    severities: ['info', 'low', 'medium', 'high'],
    technique: {
      id: 'T1562.001',
      name: 'Impair Defenses: Disable or Modify Tools',
      tactic: { id: 'TA0005', name: 'Defense Evasion' },
    },
    settings: [...everyRule, 'recordingGap'],
  },
}
