/** Where an address is, by the operator's MMDB. */
export type Geo = {
  country: string | null // ISO 3166-1
  city: string | null
  latitude: number | null
  longitude: number | null
  radiusKm: number | null
  asn: number | null
  organisation: string | null
}
export type GeoLookup = (ip: string) => Geo | null

/** No database: nothing is known of any address. */
export const noGeo: GeoLookup = () => null
