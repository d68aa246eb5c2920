import { Text, Tooltip } from '@mantine/core'

const days = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun']
const hours = Array.from({ length: 24 }, (_, hour) => hour)

/** Logins by hour of the week, from Monday 00:00. Darker is more; the number is in each cell's label. */
export const HourMap = ({ counts, zone }: { counts: readonly number[]; zone: string }) => {
  const most = Math.max(1, ...counts)
  const spoken = counts
    .map((count, n) => (count > 0 ? `${days[Math.floor(n / 24)]} ${n % 24}:00 ${count}` : null))
    .filter((text) => text !== null)
  return (
    <div role="img" aria-label={`Logins by hour of the week, ${zone}: ${spoken.join(', ') || 'none'}`}>
      <div className="hour-map">
        <span />
        {hours.map((hour) => (
          <Text key={hour} size="xs" c="dimmed" ta="center">
            {hour % 3 === 0 ? hour : ''}
          </Text>
        ))}
        {days.flatMap((day, row) => [
          <Text key={day} size="xs" c="dimmed">
            {day}
          </Text>,
          ...hours.map((hour) => {
            const count = counts[row * 24 + hour] ?? 0
            const label = `${day} ${hour}:00 – ${count} ${count === 1 ? 'login' : 'logins'}`
            return (
              <Tooltip key={`${day} ${hour}`} label={label}>
                <div
                  className="hour-map-cell"
                  style={{ opacity: count === 0 ? 0.08 : 0.25 + (0.75 * count) / most }}
                  data-count={count}
                />
              </Tooltip>
            )
          }),
        ])}
      </div>
    </div>
  )
}
