/** Header of every request of an agent and of every answer: the version of what they say to each other. */
export const protocolHeader = 'bartizan-protocol'
/** Of what a relay passes on for an agent: `BASTION SHA-256`, the certificate that the agent proved to hold; and its address. */
export const behindHeader = 'bartizan-behind'
export const behindAddressHeader = 'bartizan-behind-address'
