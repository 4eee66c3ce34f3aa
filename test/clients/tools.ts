// What each part of the clients' suite is given.
import type { Client } from "./client.ts";

export interface Tools {
  client: () => Client;
  image: () => string;
  /** A fresh name, of containers and of networks; containers are removed with the suite. */
  name: () => string;
  /** What the suite's own images begin with. */
  prefix: string;
  /** A folder of the suite's own. */
  scratch: () => string;
  check: (what: string, work: () => Promise<void>) => void;
}
