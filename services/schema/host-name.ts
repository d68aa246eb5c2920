import { z } from 'zod'

/** A name or address by which a server is reached. */
export const HostName = z
  .string()
  .max(253)
  .refine(
    (name) =>
      /^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/.test(name) ||
      z.ipv4().safeParse(name).success ||
      z.ipv6().safeParse(name).success,
    'not a name or address',
  )
