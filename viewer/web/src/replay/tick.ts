import { useEffect, useReducer, useRef } from 'react'

const everyMs = 100

/** Shows what time changes, ten times a second while it goes on; `act` is told each time, and at every other change. */
export const useTick = (isOn: boolean, act: () => void): void => {
  const [, again] = useReducer((count: number) => count + 1, 0)
  const latest = useRef(act)
  latest.current = act
  useEffect(() => {
    latest.current()
  })
  useEffect(() => {
    if (!isOn) return
    const timer = setInterval(again, everyMs)
    return () => clearInterval(timer)
  }, [isOn])
}
