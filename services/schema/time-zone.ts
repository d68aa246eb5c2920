import { z } from 'zod'

const isZone = (zone: string): boolean => {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone })
    return true
  } catch {
    return false
  }
}
/** Of the IANA data base, as this Node knows it. */
export const TimeZone = z.string().max(64).refine(isZone, 'not an IANA time zone')
