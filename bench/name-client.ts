// Look-ups of one name for a while, in the network namespace in which it is started: `name-client.ts NAME SECONDS` prints
// how many a second were answered. Each client asks its next question when the last is answered, from a socket that it keeps.
import type { udp } from "bun";

const [name = "", seconds = "1"] = process.argv.slice(2);
const CLIENTS = 32;
/** Milliseconds after which a question counts as lost and the next is asked. */
const LOST = 1_000;

const labels = name.split(".").flatMap((label) => [label.length, ...Buffer.from(label)]);
/** One question of type A, with recursion desired: RFC 1035 section 4. */
const question = Buffer.from([0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...labels, 0, 0, 1, 0, 1]);

let answered = 0;
let wrong = 0;

const asks: (() => void)[] = [];
for (let i = 0; i < CLIENTS; i++) {
  let heard = 0;
  const socket: udp.ConnectedSocket<"buffer"> = await Bun.udpSocket({
    connect: { hostname: "127.0.0.11", port: 53 },
    socket: {
      data(_, answer) {
        heard = performance.now();
        answered++;
        // No error, and at least one address.
        if ((Number(answer[3]) & 15) !== 0 || answer[7] === 0) wrong++;
        ask();
      },
      error() {},
    },
  });
  const ask = () => socket.send(question);
  asks.push(ask);
  setInterval(() => {
    if (performance.now() - heard > LOST) ask();
  }, LOST);
}
const began = performance.now();
for (const ask of asks) ask();
await Bun.sleep(Number(seconds) * 1000);
if (wrong > 0 || answered === 0) throw new Error(`${name}: ${answered} answers, ${wrong} of them wrong`);
process.stdout.write(`${Math.round(answered / ((performance.now() - began) / 1000))}\n`);
process.exit();
