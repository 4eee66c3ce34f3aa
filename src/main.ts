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
  case "daemon": {
    const { runDaemon } = await import("./api/index.ts");
    const called = name === "berthd" || name === "dockerd";
    process.exit(await runDaemon(called ? args : args.slice(1), called ? name : "berth daemon"));
    break;
  }
  default: {
    const { main } = await import("./cli/index.ts");
    // Not by letting the loop run dry: a standard input that nobody reads any more would hold it.
    process.exit(await main(process.argv0, args));
  }
}
