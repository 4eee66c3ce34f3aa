// `builder prune`: buildx's, of the default builder.
import { command } from "../../framework/command.ts";
import { prune } from "../buildx/prune.ts";

const { builder } = prune.flags;

/** Under this name the help says which builder it is. */
export default command({
  ...prune,
  flags: { ...prune.flags, builder: { ...builder, usage: `${builder.usage} (default "default")` } },
});
