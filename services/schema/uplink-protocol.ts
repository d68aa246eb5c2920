/** Header of every request of an agent and of every answer: the version of what they say to each other. */
export const protocolHeader = 'bartizan-protocol'
