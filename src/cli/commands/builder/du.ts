// `builder du`: buildx's, of the default builder.
import { command } from "../../framework/command.ts";
import { du } from "../buildx/du.ts";
import { defaultBuilder } from "./default-builder.ts";

export default command({ ...du, flags: { ...du.flags, builder: defaultBuilder } });
