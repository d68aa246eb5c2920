import { readFile } from 'node:fs/promises'

/** Lines of a file that is being written: the last one is left out until it is whole. None where there is no file yet. */
export const wholeLines = async (path: string): Promise<string[]> => {
  const text = await readFile(path, 'utf8').catch(() => '')
  return text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .filter(Boolean)
}
