/**
 * Names and lines come from whoever tried to log in. Control, invisible and direction characters are shown as what they
 * are: else two names look the same, or one reads as another (Unicode Technical Report 36, section 2).
 */
export const visible = (text: string): string =>
  text.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`)
