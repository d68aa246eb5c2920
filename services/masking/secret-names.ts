/**
 * Does the name of an option, a variable or a field say that its value is a secret?
 * The end of the name decides: PASSWORD_FILE is a path, ask-pass a question.
 */
const longestName = 128
const anywhere = /(?:passw(?:or)?d|passphrase|secret|token|apikey|credentials?)$/
const asLastPart =
  /(?:^|[-_.])(?:pass|pw|psk|(?:api|private|secret|access|auth|account|encryption|master|shared|storage)[-_.]?key|secret[-_.]?access[-_.]?key|(?:db|my|pg|ssh|user|root|admin|sql|mail|smtp|ftp|ldap|store|key|redis)pass|rediscli_auth|client[-_.]?auth)$/
const pwd = /^[a-z0-9]+[-_.]pwd$/ // MYSQL_PWD; PWD and OLDPWD are folders
const questions = /^(?:no|ask|prompt|show|read|allow|require|disable|enable|skip|without|is|has)[-_.]/
const plain = new Set(['max-token', 'next-token', 'starting-token', 'continuation-token', 'page-token'])

export const isSecretName = (name: string): boolean => {
  if (name === '' || name.length > longestName) return false
  // dbPassword → db_password
  const lower = name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toLowerCase()
  if (questions.test(lower) || plain.has(lower.replaceAll('_', '-'))) return false
  return anywhere.test(lower) || asLastPart.test(lower) || pwd.test(lower)
}
