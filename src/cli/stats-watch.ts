// The containers that `stats` shows, each with a stream of its own: some are there from the start, others come and go.
import type { Client } from "../sdk/index.ts";
import { describe } from "./describe.ts";
import { type Figures, figuresOf } from "./format/stats.ts";

/** Milliseconds after which figures that did not come are no longer shown. */
const SILENCE = 2000;

export interface Watched {
  /** As it was asked for. */
  container: string;
  id: string;
  name: string;
  figures: Figures | undefined;
  problem?: string;
  /** Resolves with the first figures, or when there will be none. */
  first: Promise<void>;
}

export interface StatsWatch {
  /** In the order in which they came. */
  readonly list: () => Watched[];
  /** Once each. */
  add(container: string): void;
  remove(container: string): void;
}

/** `stream`: figures a second; else one reading. */
export function openStatsWatch(client: Client, stream: boolean): StatsWatch {
  const watched = new Map<string, Watched & { leave: AbortController }>();
  return {
    list: () => [...watched.values()],
    add(container) {
      if (watched.has(container)) return;
      const leave = new AbortController();
      const one = { container, id: "", name: "", figures: undefined, first: Promise.resolve(), leave };
      watched.set(container, one);
      one.first = follow(client, one, stream, leave.signal);
    },
    remove(container) {
      watched.get(container)?.leave.abort();
      watched.delete(container);
    },
  };
}

function follow(client: Client, one: Watched, stream: boolean, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const none = (problem?: string) => {
    one.figures = undefined;
    if (problem) one.problem = problem;
    resolve();
  };
  const wait = () => {
    clearTimeout(timer);
    if (stream) timer = setTimeout(none, SILENCE);
  };
  const read = async () => {
    wait();
    for await (const stats of await client.containers.stats(one.container, { stream, signal })) {
      one.figures = figuresOf(stats);
      one.id = one.figures.id;
      one.name = one.figures.name;
      wait();
      resolve();
    }
    // One reading stays; a stream that ended is of a container that is gone.
    if (stream) none();
    resolve();
  };
  read()
    .catch((thrown: unknown) => none(signal.aborted ? undefined : describe(thrown)))
    .finally(() => clearTimeout(timer));
  return promise;
}
