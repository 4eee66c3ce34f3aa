// Datagrams that are answered from the address that they were sent to, where the host has several.
import { expect, test } from "bun:test";
import { lastEnds, receiveFrom, sendBack } from "../../src/linux/datagram.ts";
import { close } from "../../src/linux/ffi.ts";
import { addAddress } from "../../src/linux/netlink/address.ts";
import { openRoute } from "../../src/linux/netlink/socket.ts";
import { inNamespace } from "../../src/linux/netns.ts";
import { servePort } from "../../src/linux/port.ts";
import { AGAIN, type FixedBuffer, fixedBuffer } from "../../src/linux/raw-io.ts";
import { inetAddress } from "../../src/linux/socket.ts";
import { startHost } from "./machine.ts";

const LOOPBACK = 1;
const PORT = 4000;
const ASKER = "fd77::9";

/** The next one's length, of what is sent until it comes: the kernel makes the route to a new address a moment later. */
function receive(fd: number, { address, bytes }: FixedBuffer, send: () => void): number {
  for (let tries = 0; ; tries++) {
    send();
    Bun.sleepSync(tries);
    const length = receiveFrom(fd, address, bytes.length);
    if (length !== AGAIN || tries === 60) return length;
  }
}

test("who asks one of a host's IPv6 addresses is answered from that one", async () => {
  await using host = await startHost("--net");
  const addresses = ["fd77::1", "fd77::2"];
  const room = fixedBuffer(64);
  inNamespace(host.namespace, () => {
    using socket = openRoute();
    for (const address of [...addresses, ASKER])
      addAddress(socket, { index: LOOPBACK, address, prefix: 128 });
    const server = servePort("udp", "::", PORT);
    // Of an address of its own: the answer's would be the asker's else.
    const client = servePort("udp", ASKER, PORT + 1);
    for (const address of addresses) {
      const peer = inetAddress(address, PORT);
      const { length } = address;
      const question = () => {
        room.bytes.set(Buffer.from(address));
        expect(sendBack(client, room.address, length, { peer })).toBe(length);
        room.bytes.fill(0);
      };
      expect(receive(server, room, question)).toBe(length);
      expect(String(Buffer.from(room.bytes.subarray(0, length)))).toBe(address);
      const ends = lastEnds();
      const answer = () => expect(sendBack(server, room.address, length, ends)).toBe(length);
      expect(receive(client, room, answer)).toBe(length);
      expect(lastEnds().peer).toEqual(peer);
    }
    close(server);
    close(client);
  });
});
