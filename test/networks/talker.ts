// One end of a conversation, to run in some network namespace: `serve tcp|udp ADDRESS PORT NAME` answers with its name
// and who asked; `ask tcp|udp ADDRESS PORT [SOURCE-PORT]` prints the answer, or fails after a while.
import { createSocket } from "node:dgram";
import { connect, createServer } from "node:net";

const [role, protocol, address = "", portText = "", last = ""] = process.argv.slice(2);
const port = Number(portText);
/** Milliseconds for an answer: an unreachable port is silence. */
const PATIENCE = 2_000;
/** Milliseconds between two datagrams of a question: the first may go lost while a neighbour is looked up. */
const AGAIN = 300;

function fail(reason: string): never {
  process.stderr.write(`${reason}\n`);
  process.exit(1);
}

if (role === "serve" && protocol === "tcp") {
  createServer((socket) => {
    socket.on("error", () => {});
    socket.end(`${last} ${socket.remoteAddress}`);
  }).listen(port, address, () => process.stdout.write("ready\n"));
} else if (role === "serve") {
  const socket = createSocket(address.includes(":") ? "udp6" : "udp4");
  socket.on("message", (_, from) => socket.send(`${last} ${from.address}`, from.port, from.address));
  socket.bind(port, address, () => process.stdout.write("ready\n"));
} else if (protocol === "tcp") {
  const socket = connect(port, address);
  setTimeout(() => fail("timed out"), PATIENCE);
  let text = "";
  socket.on("data", (chunk) => {
    text += String(chunk);
  });
  socket.on("error", (error) => fail(error.message));
  socket.on("end", () => {
    process.stdout.write(text);
    process.exit(text ? 0 : 1);
  });
} else {
  const socket = createSocket(address.includes(":") ? "udp6" : "udp4");
  const ask = () => socket.send("?", port, address);
  setTimeout(() => fail("timed out"), PATIENCE);
  socket.on("error", (error) => fail(error.message));
  socket.on("message", (chunk) => {
    process.stdout.write(String(chunk));
    process.exit(0);
  });
  socket.bind(last ? Number(last) : 0, () => {
    ask();
    setInterval(ask, AGAIN);
  });
}
