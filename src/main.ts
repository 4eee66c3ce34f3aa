// Picks the role that this process plays; each role loads its own rooms and nothing else.
import { basename } from "node:path";

const name = basename(process.argv0);
const args = process.argv.slice(2);
const role = name === "berthd" || name === "dockerd" ? "daemon" : args[0];

switch (role) {
  case "shim": {
    const { runShim } = await import("./runtime/shim/index.ts");
    runShim(args[1] ?? "");
    break;
  }
  case "worker":
    await (await import("./store/worker/index.ts")).runWorker(args.slice(1));
    break;
  case "daemon":
    throw new Error(`role ${role} is not built yet`);
  default:
    throw new Error("the client is not built yet");
}
