// Numbers of sockets that all who open some need: address families, types, levels of options. socket(2), socket(7).

export const AF = { UNIX: 1, INET: 2, BRIDGE: 7, INET6: 10, NETLINK: 16, PACKET: 17 } as const;

/** Types, and flags beside them. */
export const SOCK = { STREAM: 1, DGRAM: 2, RAW: 3, NONBLOCK: 0o4000, CLOEXEC: 0o2000000 } as const;

/** Levels of setsockopt(2). */
export const SOL = { SOCKET: 1, IPV6: 41, NETLINK: 270 } as const;
