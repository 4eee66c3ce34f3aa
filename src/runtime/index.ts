// The runtime room's door.
export * from "./bundle/index.ts";
export { detectEnvironment } from "./environment.ts";
