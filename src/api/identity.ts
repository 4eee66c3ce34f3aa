/** The builder that clients are to ask for: 2 is BuildKit. */
export const BUILDER_VERSION = "2";
