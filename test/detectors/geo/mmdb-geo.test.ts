import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { openGeo } from '#detectors/geo/mmdb-geo.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { bitsOf4, writeMmdb } from '#test/helpers/write-mmdb.ts'

const city = writeMmdb('GeoLite2-City', [
  {
    bits: bitsOf4('91.0.0.0/10'),
    value: {
      country: { iso_code: 'DE', names: { en: 'Germany' } },
      city: { names: { en: 'Cologne' } },
      location: { latitude: { double: 50.9 }, longitude: { double: 6.9 }, accuracy_radius: 20 },
    },
  },
  { bits: bitsOf4('192.0.2.0/24'), value: { registered_country: { iso_code: 'BR' } } },
])
const asn = writeMmdb('GeoLite2-ASN', [
  {
    bits: bitsOf4('91.10.0.0/16'),
    value: { autonomous_system_number: 3320, autonomous_system_organization: 'Home Net' },
  },
])
const nowhere = {
  country: null,
  city: null,
  latitude: null,
  longitude: null,
  radiusKm: null,
  asn: null,
  organisation: null,
}

test('a city database and one of providers complete each other', async (t) => {
  const folder = await temporaryFolder(t)
  const files = [join(folder, 'city.mmdb'), join(folder, 'asn.mmdb')] as const
  await writeFile(files[0], city)
  await writeFile(files[1], asn)
  const geo = await openGeo(files.join(','))
  const cologne = { country: 'DE', city: 'Cologne', latitude: 50.9, longitude: 6.9, radiusKm: 20 }
  t.deepEqual(geo('91.10.20.30'), { ...cologne, asn: 3320, organisation: 'Home Net' })
  t.deepEqual(geo('91.20.20.30'), { ...cologne, asn: null, organisation: null })
  t.deepEqual(geo('192.0.2.9'), { ...nowhere, country: 'BR' })
  t.is(geo('203.0.113.1'), null)
  t.is(geo('2001:db8::1'), null)
  t.deepEqual(geo('::ffff:192.0.2.9'), { ...nowhere, country: 'BR' })
})

test('what is no address is nowhere', async (t) => {
  const file = join(await temporaryFolder(t), 'city.mmdb')
  await writeFile(file, city)
  const geo = await openGeo(file)
  for (const text of ['', 'console', '999.1.1.1', 'x'.repeat(10_000)]) t.is(geo(text), null)
})

test('a file that is no database, or not there, is refused by name', async (t) => {
  const file = join(await temporaryFolder(t), 'text.mmdb')
  await writeFile(file, 'no database')
  const error = await t.throwsAsync(openGeo(file), { code: 'BTZ_GEO_INVALID' })
  t.true(error.message.includes(file))
  await t.throwsAsync(openGeo('/nowhere/city.mmdb'), { code: 'BTZ_GEO_INVALID' })
})
