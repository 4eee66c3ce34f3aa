// `builder prune`: buildx's, of the default builder.
import { command } from "../../framework/command.ts";
import { prune } from "../buildx/prune.ts";
import { defaultBuilder } from "./default-builder.ts";

export default command({ ...prune, flags: { ...prune.flags, builder: defaultBuilder } });
