import type { FormatName } from '../../schema/sink-settings.ts'
import type { Format } from '../sink.ts'
import { cef } from './cef.ts'
import { ecs } from './ecs.ts'
import { leef } from './leef.ts'
import { ocsf } from './ocsf.ts'

/** By the names that the configuration uses. */
export const formats: Record<FormatName, Format> = { ecs, ocsf, cef, leef }
