// The Engine API's vocabulary: what travels over the wire, by resource.
export type * from "./container.ts";
export type * from "./image.ts";
export type * from "./network.ts";
export type * from "./plugin.ts";
export type * from "./swarm.ts";
export type * from "./system.ts";
export type * from "./volume.ts";
