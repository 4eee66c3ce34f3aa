// A daemon's inside in a process of its own, for tests that kill it: `engine-process.ts CONFIG.json ACTION REFERENCE`.
// It says "ready" when the engine is up, does the action, says "done", and stays until it is killed.
import { readFileSync } from "node:fs";
import type { HostConfig } from "../../src/api/types/index.ts";
import * as engine from "../../src/engine/index.ts";
import type { CreateRequest, DaemonConfig } from "../../src/engine/types.ts";

interface Order {
  config: DaemonConfig;
  action: "create" | "start" | "remove" | "commit" | "update" | "none";
  request?: CreateRequest;
  reference?: string;
  changes?: HostConfig;
}

const order = JSON.parse(readFileSync(process.argv[2] as string, "utf8")) as Order;
const rooms = await engine.startEngine(order.config);
console.log("ready");
switch (order.action) {
  case "create":
    await engine.createContainer(rooms, order.request as CreateRequest);
    break;
  case "start":
    await engine.startContainer(rooms, order.reference as string);
    break;
  case "update":
    await engine.updateContainer(rooms, order.reference as string, order.changes as HostConfig);
    break;
  case "remove":
    await engine.removeContainer(rooms, order.reference as string, { force: true, volumes: true });
    break;
  case "commit":
    await engine.commitContainer(rooms, order.reference as string, {
      reference: "committed:1",
      changes: [],
      author: "",
      comment: "",
      pause: true,
    });
    break;
}
console.log("done");
setInterval(() => {}, 1 << 30);
