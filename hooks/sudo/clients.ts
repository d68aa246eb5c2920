/** What is known about the programs that speak the protocol, by what their hello says. */

/** What sudo_sendlog and relays send happened before, or elsewhere: no terminal here says anything about it. */
export const hasTerminalHere = (client: string | null): boolean => client?.startsWith('sudoers ') ?? false

/** sudo itself never comes back: it kills its command when the connection breaks. sudo_sendlog and relays do. */
export const mayComeBack = (client: string | null): boolean => !hasTerminalHere(client)

/**
 * sudo_sendlog takes any commit point that equals what it has sent so far for the final one, even in the middle, and
 * exits without sending the rest (logsrvd/sendlog.c, COMMIT_POINT in handle_server_message).
 */
export const takesEqualForFinal = (client: string | null): boolean => client?.startsWith('Sudo Sendlog') ?? false
