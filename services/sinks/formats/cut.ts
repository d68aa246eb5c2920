/** The beginning of a text, and how much is missing; not cut within a pair of surrogates. */
export const cut = (text: string, keptCharacters: number): string => {
  if (text.length <= keptCharacters) return text
  const head = text.slice(0, keptCharacters).replace(/[\ud800-\udbff]$/, '')
  return `${head}…[+${text.length - head.length} characters]`
}
