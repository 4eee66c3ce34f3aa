// The words of the name server: who knows the names, and who else is asked.

/** A server that other questions go to. */
export interface Upstream {
  /** Without a port; IPv6 may have a zone where it is asked from the host. */
  address: string;
  /** 53 where it isn't said. */
  port?: number;
  /** Asked from the container's network namespace; else from the host's. */
  inside: boolean;
}

/** Who knows the names that containers have in their networks. All of it is asked for every question, and must be cheap. */
export interface NameSource {
  /**
   * Addresses of a name (lower case, no dot at the end) as the sandbox sees it, over all its networks. Empty: the name
   * is known, but not in this family. Undefined: no such name here, so upstream is asked.
   */
  addresses(sandboxId: string, name: string, family: 4 | 6): readonly string[] | undefined;
  /** The name of an address (in canonical form), "web.some-network"; undefined where there is none. */
  nameOf(sandboxId: string, address: string): string | undefined;
  /** Where other questions go, in the order in which they are asked; the first three count. */
  upstream(sandboxId: string): readonly Upstream[];
  /** The option `ndots` was set by the host or the user: unknown names without a dot are then not asked upstream. */
  ndotsSet(sandboxId: string): boolean;
}

export interface ServedSandbox {
  id: string;
  /** File of its network namespace. Its loopback device is up. */
  namespace: string;
  /** Ports of an earlier daemon, to which the rules in the namespace lead. */
  ports?: { udp: number; tcp: number };
}
