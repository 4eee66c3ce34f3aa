// `completion fish`.
import { completionCommand } from "./script.ts";

export default completionCommand("fish");
