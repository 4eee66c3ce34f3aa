// The name server of containers on networks that users made: at 127.0.0.11 in each one's network namespace, answered by
// this process. Names come from a source (the networks' rows); all else is asked of other servers.
//
// A question that the source answers is answered in the turn in which it came; nothing is kept of it.
import { systemError } from "../../base/errors.ts";
import { ownAnswer } from "./answer.ts";
import { Forwarder, type Protocol } from "./forwarder.ts";
import { type Listeners, openListeners } from "./listeners.ts";
import type { Question } from "./message.ts";
import type { Ports } from "./redirect.ts";
import type { NameSource, ServedSandbox } from "./types.ts";

export type { NameSource, ServedSandbox, Upstream } from "./types.ts";

export interface NameServer {
  /**
   * Opens the sockets in the sandbox's namespace, and leads port 53 to them. Does nothing for one that is served. With
   * `ports` (an earlier daemon's) it listens there again, unless they were taken meanwhile.
   * Gives the ports, to be kept for the next daemon. Errors: system, with what stood in the way.
   */
  serve(sandbox: ServedSandbox): Ports;
  /** Closes a sandbox's sockets; questions that are out get no answer. The rules go with the namespace. */
  stop(sandboxId: string): void;
  close(): void;
}

interface Served {
  listeners: Listeners;
  forwarder: Forwarder;
}

/** Serves nothing until it is told to. */
export function openNameServer(source: NameSource): NameServer {
  const served = new Map<string, Served>();
  const stop = (id: string) => {
    const found = served.get(id);
    served.delete(id);
    found?.listeners.close();
    found?.forwarder.close();
  };
  return {
    serve({ id, namespace, ports }) {
      const known = served.get(id);
      if (known) return known.listeners.ports;
      const forwarder = new Forwarder(namespace);
      const respond = (question: Question, protocol: Protocol, room: number) =>
        ownAnswer(source, id, question, room) ?? forwarder.ask(question, source.upstream(id), protocol);
      try {
        const listeners = openListeners(namespace, ports, respond);
        served.set(id, { listeners, forwarder });
        return listeners.ports;
      } catch (problem) {
        throw systemError(`no name server in the network namespace of sandbox ${id}`, problem);
      }
    },
    stop,
    close() {
      for (const id of served.keys()) stop(id);
    },
  };
}
