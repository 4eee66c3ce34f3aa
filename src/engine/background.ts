// Work that goes on after an answer: started, owned here, awaited at shutdown.
import { messageOf } from "../base/errors.ts";
import { log } from "../base/log.ts";
import type { Background } from "./types.ts";

export function openBackground(): Background {
  const going = new Set<Promise<unknown>>();
  return {
    run(name, work) {
      const task = work()
        .catch((error: unknown) => log.error(`${name} failed`, { error: messageOf(error) }))
        .finally(() => going.delete(task));
      going.add(task);
    },
    async idle() {
      while (going.size > 0) await Promise.all(going);
    },
  };
}
