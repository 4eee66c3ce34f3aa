// Namespaces of ended containers, let go some at a time, in a quiet moment: while the kernel takes one apart (some 40 ms) it
// holds the lock that every change of devices needs, so the next container's start would wait for the last one's end.
import { messageOf } from "../base/errors.ts";
import { log } from "../base/log.ts";
import { removeNamespace } from "../linux/netns.ts";
import type { NetworkDriver } from "./drivers/types.ts";
import type { EndpointRecord, NetworkRecord } from "./types.ts";

/** Milliseconds without a change, and at most. */
const QUIET = 250;
const QUIET_AT_MOST = 1_000;
/** Milliseconds after which a device that did not go with its namespace is removed: some process keeps that. */
const NAMESPACE_PATIENCE = 3_000;
const NAMESPACE_POLL = 250;

export interface Plug {
  endpoint: EndpointRecord;
  network: NetworkRecord;
  driver: NetworkDriver;
}

export interface Burial {
  /** The namespace pinned on `file` goes, and with it the devices of its plugs. */
  add(file: string, plugs: readonly Plug[]): void;
  /** Something changes now: whatever waits to be let go waits a little longer. */
  disturb(): void;
  /** Lets all go that waits, and resolves when the devices are gone. */
  finish(): Promise<void>;
}

export function openBurial(): Burial {
  const background = new Set<Promise<void>>();
  const released: { file: string; plugs: readonly Plug[] }[] = [];
  let waiting: { timer: ReturnType<typeof setTimeout>; since: number } | undefined;

  return {
    add(file, plugs) {
      released.push({ file, plugs });
      postpone();
    },
    disturb() {
      if (waiting) postpone();
    },
    async finish() {
      bury();
      await Promise.all(background);
    },
  };

  function postpone(): void {
    const since = waiting?.since ?? Date.now();
    clearTimeout(waiting?.timer);
    const wait = Math.max(0, Math.min(QUIET, since + QUIET_AT_MOST - Date.now()));
    waiting = { timer: setTimeout(bury, wait), since };
  }

  /** Lets the namespaces go; their devices go with them. */
  function bury(): void {
    clearTimeout(waiting?.timer);
    waiting = undefined;
    const gone = released.splice(0);
    if (gone.length === 0) return;
    const work = (async () => {
      for (const { file } of gone) removeNamespace(file);
      await sweep(gone.flatMap(({ plugs }) => plugs));
    })().catch((thrown) => log.warn("a container's network is left over", { error: messageOf(thrown) }));
    background.add(work);
    work.finally(() => background.delete(work));
  }
}

/** Where a process keeps a namespace, its devices are removed all the same. */
async function sweep(plugs: readonly Plug[]): Promise<void> {
  const until = Date.now() + NAMESPACE_PATIENCE;
  // Not at once: to look would wait for the lock that the kernel holds now.
  await Bun.sleep(NAMESPACE_POLL);
  for (const { driver, endpoint } of plugs)
    while (driver.lingers(endpoint)) {
      if (Date.now() > until) driver.sweep(endpoint);
      else await Bun.sleep(NAMESPACE_POLL);
    }
}
