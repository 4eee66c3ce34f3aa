// `completion bash`.
import { completionCommand } from "./script.ts";

export default completionCommand("bash");
