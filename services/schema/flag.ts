import { z } from 'zod'

/** A setting that is on or off: a boolean, or the word for it as an environment holds it. */
export const Flag = z.union([z.boolean(), z.enum(['true', 'false']).transform((value) => value === 'true')])
