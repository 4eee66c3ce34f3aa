// `buildx build`.
export { build as default } from "../builder/build.ts";
