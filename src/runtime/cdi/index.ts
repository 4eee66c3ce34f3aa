// CDI devices: which there are, and what a container needs that asked for some.
export { applyEdits } from "./apply.ts";
export { readCdiDevices } from "./devices.ts";
export { editsForRequests } from "./requests.ts";
export type { ContainerEdits } from "./types.ts";
