// Questions that a sandbox's own names don't answer, asked of other servers one after the other, as libnetwork's resolver
// does: the next one when a server is silent, can't be reached, fails or refuses.
import { log } from "../../base/log.ts";
import { inNamespace } from "../../linux/netns.ts";
import { NAME_SERVER } from "../resolv-conf.ts";
import { failure, type Question, RCODE, rcodeOf } from "./message.ts";
import type { Upstream } from "./types.ts";
import { TcpUpstream } from "./upstream-tcp.ts";
import { type Answered, type Enter, UdpUpstream } from "./upstream-udp.ts";

/** Servers that one question is put to, at most. */
const SERVERS = 3;
/** Milliseconds for a server's answer, and for a place among the questions that are out. */
const PATIENCE = 4_000;
/** Questions of one sandbox that are out at a time; as many again may wait for a place. */
const OUTSTANDING = 1024;

export type Protocol = "udp" | "tcp";

interface Servers {
  udp: UdpUpstream;
  tcp: TcpUpstream;
}

/** Asks for one sandbox. */
export class Forwarder {
  private readonly servers = new Map<string, Servers>();
  private out = 0;
  /** Who waits for a place: called with true when there is one. */
  private readonly queue = new Set<(place: boolean) => void>();
  private readonly ends = new Set<() => void>();
  private closed = false;

  constructor(private readonly namespace: string) {}

  /** The answer to a question, under its own id: a server's as it came, or a failure of ours. Never throws. */
  async ask(question: Question, upstream: readonly Upstream[], protocol: Protocol): Promise<Buffer> {
    for (const server of upstream.slice(0, SERVERS)) {
      // Ourselves: the question would come back.
      if (server.inside && server.address === NAME_SERVER) continue;
      if (!(await this.place())) return failure(question.bytes, RCODE.refused, question);
      const reply = await this.exchange(question, server, protocol);
      this.leave();
      if (!reply) continue;
      const code = rcodeOf(reply);
      if (code !== RCODE.serverFailure && code !== RCODE.refused) return reply;
    }
    return failure(question.bytes, RCODE.serverFailure, question);
  }

  /** Waits for a place among the questions that are out; false when none came free in time. */
  private place(): true | Promise<boolean> | false {
    if (this.closed) return false;
    if (this.out < OUTSTANDING) {
      this.out++;
      return true;
    }
    if (this.queue.size >= OUTSTANDING) return false;
    return new Promise((resolve) => {
      const settle = (place: boolean) => {
        clearTimeout(timer);
        this.queue.delete(settle);
        resolve(place);
      };
      const timer = setTimeout(() => settle(false), PATIENCE);
      this.queue.add(settle);
    });
  }

  private leave(): void {
    const [next] = this.queue;
    if (next) next(true);
    else this.out--;
  }

  private exchange(question: Question, server: Upstream, protocol: Protocol): Promise<Buffer | undefined> {
    return new Promise((resolve) => {
      let stop = () => {};
      const end = () => {
        stop();
        settle(undefined);
      };
      const settle: Answered = (reply) => {
        clearTimeout(timer);
        this.ends.delete(end);
        resolve(reply);
      };
      const timer = setTimeout(end, PATIENCE);
      this.ends.add(end);
      try {
        if (this.closed) throw new Error("stopped");
        stop = this.serverOf(server)[protocol].ask(question, settle);
      } catch (problem) {
        log.debug(`names: ${server.address} can't be asked: ${problem}`);
        end();
      }
    });
  }

  private serverOf({ address, port = 53, inside }: Upstream): Servers {
    const key = `${inside} ${address} ${port}`;
    const known = this.servers.get(key);
    if (known) return known;
    // Servers change when networks are connected and disconnected; those no longer used must not pile up.
    for (const [other, { udp, tcp }] of this.servers)
      if (udp.unused && tcp.unused) this.servers.delete(other);
    const enter: Enter = inside ? (open) => inNamespace(this.namespace, open) : (open) => open();
    const made = { udp: new UdpUpstream(address, port, enter), tcp: new TcpUpstream(address, port, enter) };
    this.servers.set(key, made);
    return made;
  }

  close(): void {
    this.closed = true;
    for (const settle of this.queue) settle(false);
    for (const end of this.ends) end();
    for (const { udp } of this.servers.values()) udp.close();
    this.servers.clear();
  }
}
