// Records what Docker's client does with the command lines of network-cases.ts: `bun test/cli/record-networks.ts SOCKET COMMAND`.
// SOCKET is where the daemon of fixed answers listens; COMMAND is a program that leads Docker's client there.
import { writeFileSync } from "node:fs";
import { clientOf } from "../clients/client.ts";
import { startRecordingDaemon } from "../fixtures/recording-daemon.ts";
import { answer, CASES, nameOf, perform, type Recorded } from "./network-cases.ts";

const [socket, command] = process.argv.slice(2);
if (!socket || !command) throw new Error("usage: record-networks.ts SOCKET COMMAND");
using daemon = startRecordingDaemon(socket, answer);
const client = clientOf("docker", command, `unix://${socket}`, "/nowhere");
const recorded: Record<string, Recorded> = {};
for (const one of CASES) recorded[nameOf(one)] = await perform(client, daemon, one);
writeFileSync("test/cli/networks.recorded.json", `${JSON.stringify(recorded, null, 1)}\n`);
