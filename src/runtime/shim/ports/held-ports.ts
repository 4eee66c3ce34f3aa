// The host's ports of one container, kept from other processes while it lives. What reaches an IPv6 address of the host
// and no rule translates (the kernel has none for ::1, nor from IPv6 to IPv4) is forwarded by this process.
import { close } from "../../../linux/ffi.ts";
import { holdPort } from "../../../linux/port.ts";
import { acceptConnection } from "../../../linux/socket.ts";
import type { ReservedPort } from "../../types.ts";
import { READ, type Reactor } from "../reactor.ts";
import { descriptorBudget } from "./descriptor-budget.ts";
import { forwardDatagrams } from "./forward-datagrams.ts";
import { forwardStreams } from "./forward-streams.ts";

/** Where a forwarded port leads to: the container's address. */
export type Target = NonNullable<ReservedPort["forward"]>;

export interface Forwarder {
  /** Leads elsewhere from now on; what goes to where it led before ends, as with Docker's proxy. */
  leadTo(target: Target): void;
  close(): void;
}

interface Held {
  port: ReservedPort;
  forwarder?: Forwarder;
  close(): void;
}

export class HeldPorts {
  private held = new Map<string, Held>();
  /** Of all ports together. */
  private readonly budget = descriptorBudget();

  constructor(private readonly reactor: Reactor) {}

  /** Holds these, and no others. Errors: KernelError (address already in use), and then all is as before. */
  replace(ports: readonly ReservedPort[]): void {
    const next = new Map<string, Held>();
    const opened: Held[] = [];
    /** Ports that are served in another way from now on (`userlandProxy`): one socket has to go before the other. */
    const given: Held[] = [];
    try {
      for (const port of ports) {
        const key = keyOf(port);
        const known = this.held.get(key);
        const same = known && Boolean(known.forwarder) === Boolean(port.forward);
        if (known && !same) {
          known.close();
          given.push(known);
        }
        if (!same) opened.push(this.hold(port));
        next.set(key, same ? known : (opened.at(-1) as Held));
      }
    } catch (error) {
      for (const one of opened) one.close();
      for (const { port } of given) this.held.set(keyOf(port), this.hold(port));
      throw error;
    }
    for (const port of ports) {
      const held = next.get(keyOf(port)) as Held;
      held.port = port;
      if (port.forward) held.forwarder?.leadTo(port.forward);
    }
    for (const [key, one] of this.held) if (!next.has(key)) one.close();
    this.held = next;
  }

  release(): void {
    this.replace([]);
  }

  private hold(port: ReservedPort): Held {
    const { reactor, budget } = this;
    if (port.forward) {
      const forward = port.protocol === "tcp" ? forwardStreams : forwardDatagrams;
      const forwarder = forward(reactor, budget, port);
      return { port, forwarder, close: () => forwarder.close() };
    }
    const { fd, listening } = holdPort(port.protocol, port.address, port.port);
    if (listening)
      reactor.watch(fd, READ, () => {
        const stranger = acceptConnection(fd);
        if (stranger >= 0) close(stranger);
      });
    return {
      port,
      close() {
        if (listening) reactor.forget(fd);
        close(fd);
      },
    };
  }
}

const keyOf = ({ protocol, address, port }: ReservedPort) => `${protocol} ${address} ${port}`;
