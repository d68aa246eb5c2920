import maxmind, { type AsnResponse, type CityResponse, type IspResponse, type Reader } from 'maxmind'
import { BartizanError } from '#services/errors.ts'
import { byAddress } from './by-address.ts'
import type { Geo, GeoLookup } from './geo.ts'

/** City, Country, ASN and ISP databases differ in what they have of this. */
type Row = Partial<CityResponse & AsnResponse & Pick<IspResponse, 'isp'>>

const recordCache = 10_000

const open = async (file: string): Promise<Reader<CityResponse>> => {
  try {
    return await maxmind.open<CityResponse>(file, { cache: { max: recordCache } })
  } catch (cause) {
    throw new BartizanError('BTZ_GEO_INVALID', `GeoIP database ${file}: ${(cause as Error).message}`, {
      hint: 'an MMDB with cities, countries or autonomous systems is expected; several are separated by commas',
      cause,
    })
  }
}

const geoOf = (row: Row): Geo => ({
  country: row.country?.iso_code ?? row.registered_country?.iso_code ?? null,
  city: row.city?.names?.en ?? null,
  latitude: row.location?.latitude ?? null,
  longitude: row.location?.longitude ?? null,
  radiusKm: row.location?.accuracy_radius ?? null,
  asn: row.autonomous_system_number ?? row.traits?.autonomous_system_number ?? null,
  organisation: row.autonomous_system_organization ?? row.traits?.autonomous_system_organization ?? row.isp ?? null,
})

/** What the first database that says something of a field says. */
const merged = (rows: readonly Row[]): Geo | null => {
  const [first, ...others] = rows.map(geoOf)
  if (!first) return null
  const geo: Record<string, unknown> = { ...first }
  for (const other of others) for (const [field, value] of Object.entries(other)) geo[field] ??= value
  return geo as Geo
}

/**
 * Looks up addresses in one or more MMDB files (`a.mmdb,b.mmdb`).
 * @throws BTZ_GEO_INVALID one cannot be read
 */
export const openGeo = async (files: string): Promise<GeoLookup> => {
  const names = files.split(',').map((name) => name.trim())
  const readers = await Promise.all(names.filter(Boolean).map(open))
  return byAddress((address) => {
    const ip = address.toString()
    return merged(readers.map((reader) => reader.get(ip)).filter((row) => row !== null))
  })
}
