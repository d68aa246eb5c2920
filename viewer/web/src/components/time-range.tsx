import { TextInput } from '@mantine/core'
import { instantOf, typedOf, useZone } from '../time.tsx'

type Range = { from: string | undefined; to: string | undefined }

/** From when to when, read and shown in the zone that all times of the console are in. */
export const TimeRange = (props: {
  values: Range
  onChange(change: Partial<Record<keyof Range, string | null>>): void
}) => {
  const { zone, zoneName } = useZone()
  return (['from', 'to'] as const).map((end) => (
    <TextInput
      key={`${end} ${zone}`}
      label={`${end === 'from' ? 'From' : 'To'} (${zoneName})`}
      type="datetime-local"
      defaultValue={typedOf(props.values[end], zone)}
      onChange={(event) => props.onChange({ [end]: instantOf(event.currentTarget.value, zone) })}
    />
  ))
}
