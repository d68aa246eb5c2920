import type { Alert, Triage } from '../schema/alert.ts'

const later = (before: Triage | null, said: Triage): Triage =>
  before && Date.parse(before.at) > Date.parse(said.at) ? before : said

/** What stands of an alert after something more was said of it: the same for every catalog. See AlertWriter. */
export const mergedAlert = (before: Alert | null, said: Alert): Alert => {
  const content = before && said.triage ? before : said
  const triage = said.triage ? later(before?.triage ?? null, said.triage) : (before?.triage ?? null)
  return { ...content, status: triage?.status ?? content.status, triage }
}
