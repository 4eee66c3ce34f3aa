// The networks room's door: opens the networks of one daemon on its store, config and host.
import type { HostEnvironment } from "../base/environment.ts";
import { notImplemented } from "../base/errors.ts";
import type { Store } from "../store/types.ts";
import type { Networks, NetworksConfig } from "./types.ts";

export type * from "./types.ts";

/**
 * Reads the rows; touches no kernel. `reconcile` (with the containers whose shims live) makes the default
 * networks and brings devices, rules and namespaces in line with the rows; call it before the first `realise`.
 * Errors: invalid when `config` names a bad address, prefix or pool.
 */
export function openNetworks(_options: {
  store: Store;
  config: NetworksConfig;
  environment: HostEnvironment;
}): Networks {
  throw notImplemented("networks");
}
