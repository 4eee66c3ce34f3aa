// `completion zsh`.
import { completionCommand } from "./script.ts";

export default completionCommand("zsh");
