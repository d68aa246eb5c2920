import { Kbd, Modal, Table } from '@mantine/core'
import { useEffect, useRef } from 'react'
import { actOf, isOthers, type KeyAct, keyHelp } from '../replay/keys.ts'

/** Keys of the player, wherever the focus is but in what takes keys itself. */
export const useKeys = (obey: (act: KeyAct) => void): void => {
  const latest = useRef(obey)
  latest.current = obey
  useEffect(() => {
    // Before the player hears of it: it has keys of its own.
    const listen = (event: KeyboardEvent) => {
      if (isOthers(event.target, event.key)) return
      const act = actOf(event)
      if (!act) return
      event.preventDefault()
      event.stopPropagation()
      latest.current(act)
    }
    window.addEventListener('keydown', listen, true)
    return () => window.removeEventListener('keydown', listen, true)
  }, [])
}

export const KeyHelp = ({ opened, onClose }: { opened: boolean; onClose(): void }) => (
  // Within the player: in full screen nothing else is seen.
  <Modal opened={opened} onClose={onClose} title="Keys" withinPortal={false} size="md" zIndex={400}>
    <Table verticalSpacing={4}>
      <Table.Tbody>
        {keyHelp.map(([keys, does]) => (
          <Table.Tr key={keys}>
            <Table.Td w={120}>
              <Kbd>{keys}</Kbd>
            </Table.Td>
            <Table.Td>{does}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  </Modal>
)
