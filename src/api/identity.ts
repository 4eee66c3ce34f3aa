// What this engine says it is: clients decide by these what they may ask for.

/** The Docker Engine whose behaviour Berth has; in `Server:` headers and GET /version. */
export const ENGINE_VERSION = "28.5.2";

/** The builder that clients are to ask for: 2 is BuildKit. */
export const BUILDER_VERSION = "2";
