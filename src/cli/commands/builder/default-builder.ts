// `builder …` is buildx's `…` of the default builder, and its help says which that is.
import { builderFlags } from "../../build-options/builder-flags.ts";

const { builder } = builderFlags;

export const defaultBuilder = { ...builder, usage: `${builder.usage} (default "default")` };
