// The drivers `host` and `null`: their endpoints are rows and nothing in the kernel.
import { forbidden } from "../../base/errors.ts";
import type { Allocation, NetworkDriver } from "./types.ts";

const nothing = () => {};

function plainDriver(name: string, sandbox: "host" | "none"): NetworkDriver {
  return {
    name,
    sandbox,
    publishes: false,
    check() {
      throw forbidden(`only one instance of "${name}" network is allowed`);
    },
    allocate: (): Allocation => ({}),
    realiseNetwork: nothing,
    plug: nothing,
    publish: nothing,
    unpublish: nothing,
    unplug: nothing,
    lingers: () => false,
    sweep: nothing,
    reconcile: nothing,
    removeNetwork: nothing,
  };
}

/** The host's own network: no namespace, and ports that a container opens are the host's. */
export const hostDriver = () => plainDriver("host", "host");
/** Nothing but loopback. */
export const noneDriver = () => plainDriver("null", "none");
