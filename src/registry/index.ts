// The door of the registry room: a client of the OCI distribution protocol.
export { mayPass, pause } from "./connection.ts";
export { RegistryError } from "./errors.ts";
export { login } from "./login.ts";
export { digestLike, type OpenRepositoryOptions, openRepository } from "./repository.ts";
export { NetworkError, networkError } from "./transport.ts";
export type * from "./types.ts";
