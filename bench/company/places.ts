export const places: Record<string, [string, number, number][]> = {
  DE: [
    ['Berlin', 52.5, 13.4],
    ['Hamburg', 53.6, 10],
  ],
  FR: [
    ['Lyon', 45.8, 4.8],
    ['Paris', 48.9, 2.4],
  ],
  PT: [
    ['Porto', 41.1, -8.6],
    ['Lisbon', 38.7, -9.1],
  ],
  PL: [
    ['Warsaw', 52.2, 21],
    ['Gdansk', 54.4, 18.6],
  ],
  GB: [
    ['Leeds', 53.8, -1.5],
    ['London', 51.5, -0.1],
  ],
  US: [
    ['Chicago', 41.9, -87.6],
    ['New York', 40.7, -74],
  ],
  IN: [
    ['Pune', 18.5, 73.9],
    ['Chennai', 13.1, 80.3],
  ],
  SG: [
    ['Singapore', 1.35, 103.8],
    ['Singapore', 1.35, 103.8],
  ],
}
export const foreign: [string, string, string][] = [
  ['ES', 'Madrid', 'Europe/Madrid'],
  ['IT', 'Milan', 'Europe/Rome'],
  ['SE', 'Stockholm', 'Europe/Stockholm'],
  ['JP', 'Tokyo', 'Asia/Tokyo'],
  ['BR', 'Recife', 'America/Recife'],
  ['CA', 'Toronto', 'America/Toronto'],
  ['AE', 'Dubai', 'Asia/Dubai'],
  ['KE', 'Nairobi', 'Africa/Nairobi'],
  ['GR', 'Athens', 'Europe/Athens'],
]

export const zonesOf: Record<string, string[]> = {
  DE: ['Europe/Berlin'],
  FR: ['Europe/Paris'],
  PT: ['Europe/Lisbon'],
  PL: ['Europe/Warsaw'],
  GB: ['Europe/London'],
  US: ['America/New_York', 'America/Chicago', 'America/Los_Angeles'],
  IN: ['Asia/Kolkata'],
  SG: ['Asia/Singapore'],
}
