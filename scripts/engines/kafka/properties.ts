export type Security = 'none' | 'sasl' | 'sasl-tls'
export type Credentials = { username: string; password: string }
export type NodePorts = { client: number; controller: number }

const protocols = { none: 'PLAINTEXT', sasl: 'SASL_PLAINTEXT', 'sasl-tls': 'SASL_SSL' } as const

const mechanism = 'SCRAM-SHA-512'

const securityOf = (protocol: string, admin: Credentials) => ({
  'sasl.enabled.mechanisms': mechanism,
  'sasl.mechanism.inter.broker.protocol': mechanism,
  [`listener.name.${protocol.toLowerCase()}.${mechanism.toLowerCase()}.sasl.jaas.config`]: `org.apache.kafka.common.security.scram.ScramLoginModule required username="${admin.username}" password="${admin.password}";`,
  'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
  // ANONYMOUS is what the controllers are to each other, on a listener of loopback that has no authentication.
  'super.users': `User:${admin.username};User:ANONYMOUS`,
  'allow.everyone.if.no.acl.found': 'false',
})

const tlsOf = (keyFile: string, caFile: string) => ({
  'ssl.keystore.type': 'PEM',
  'ssl.keystore.location': keyFile,
  'ssl.truststore.type': 'PEM',
  'ssl.truststore.location': caFile,
})

export type Node = {
  /** From 1 on; its ports are ports[id - 1]. */
  id: number
  ports: NodePorts[]
  dataFolder: string
  security: Security
  admin: Credentials
  /** Private key and certificate in one PEM file; certificates to trust. */
  keyFile: string
  caFile: string
}

/** The server.properties of one node that is broker and controller at once. */
export const propertiesOf = ({ id, ports, dataFolder, security, admin, keyFile, caFile }: Node): string => {
  const own = ports[id - 1]!
  const protocol = protocols[security]
  const copies = ports.length
  const inSync = copies > 2 ? 2 : 1
  const properties: Record<string, string | number> = {
    'process.roles': 'broker,controller',
    'node.id': id,
    listeners: `${protocol}://127.0.0.1:${own.client},CONTROLLER://127.0.0.1:${own.controller}`,
    'advertised.listeners': `${protocol}://127.0.0.1:${own.client}`,
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': `${protocol}:${protocol},CONTROLLER:PLAINTEXT`,
    'inter.broker.listener.name': protocol,
    'controller.quorum.voters': ports.map(({ controller }, at) => `${at + 1}@127.0.0.1:${controller}`).join(','),
    'log.dirs': dataFolder,
    'default.replication.factor': copies,
    'min.insync.replicas': inSync,
    'offsets.topic.replication.factor': copies,
    'offsets.topic.num.partitions': 1,
    'transaction.state.log.replication.factor': copies,
    'transaction.state.log.min.isr': inSync,
    'transaction.state.log.num.partitions': 1,
    'group.initial.rebalance.delay.ms': 0,
    'auto.create.topics.enable': 'false',
    'log.segment.bytes': 67_108_864,
    ...(security === 'none' ? {} : securityOf(protocol, admin)),
    ...(security === 'sasl-tls' ? tlsOf(keyFile, caFile) : {}),
  }
  return Object.entries(properties)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('')
}

export const scramOf = ({ username, password }: Credentials): string[] => [
  '--add-scram',
  `${mechanism}=[name=${username},password=${password}]`,
]
