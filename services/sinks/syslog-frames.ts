/** Where one message of a stream ends (RFC 6587, 3.4). None of our formats lets a newline into a message. */
export const framings = {
  'octet-counting': (message: string): Buffer => Buffer.from(`${Buffer.byteLength(message)} ${message}`),
  newline: (message: string): Buffer => Buffer.from(`${message}\n`),
}
