import type { Directory } from '#detectors/directory/directory.ts'

/** A directory that says nothing about anybody. */
export const quietDirectory: Directory = {
  policy: {
    recordingRequired: true,
    recordingExempt: new Set(),
    configManagement: new Set(),
    learningDays: null,
    dormantDays: null,
  },
  canonical: (user) => user,
  person: () => null,
  zoneOf: () => 'UTC',
  hasZone: () => false,
  isOfficeHours: () => false,
  isHoliday: () => false,
  isWorkingDay: () => true,
  isOnDuty: () => false,
  isScheduled: () => false,
  isOnLeave: () => false,
  travelOf: () => null,
  knownNetwork: () => null,
  isMaintenance: () => false,
  tickets: () => [],
  hasGrant: () => false,
  isException: () => false,
  groupsOf: () => [],
  labelsOf: () => [],
  isInternetFacing: () => null,
}
