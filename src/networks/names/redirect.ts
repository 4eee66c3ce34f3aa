// The way from port 53 of 127.0.0.11 to our sockets, inside a container's network namespace. Our sockets are at other
// ports, so that the container can have its own server at 0.0.0.0:53.
//
// Only the port is rewritten, to and fro, by two chains, and no connection is tracked: nat rules (Docker's way) would
// switch tracking on for all that the container sends and receives. Where the container tracks connections itself,
// questions are rewritten before tracking (priority -200) sees them and answers after, so it finds both to belong together.
import { close } from "node:fs";
import { parseAddress } from "../../linux/ip-address.ts";
import { value } from "../../linux/netlink/message.ts";
import {
  commitRules,
  deleteTable,
  match,
  matchProtocol,
  newOutputChain,
  newRule,
  newTable,
  rewrite,
} from "../../linux/netlink/rules.ts";
import { NETLINK, NetlinkError, NetlinkSocket } from "../../linux/netlink/socket.ts";
import { NAME_SERVER } from "../resolv-conf.ts";

const PORT = 53;

export interface Ports {
  udp: number;
  tcp: number;
}

const TABLE = "berth-names";
const QUESTIONS = "questions";
const ANSWERS = "answers";
/** NF_IP_PRI_RAW and NF_IP_PRI_MANGLE: before and after connection tracking. */
const BEFORE_TRACKING = -300;
const AFTER_TRACKING = -150;
const EEXIST = 17;

// Offsets: RFC 791 section 3.1, RFC 768, RFC 9293 section 3.1.
const SOURCE_ADDRESS = 12;
const DESTINATION_ADDRESS = 16;
const SOURCE_PORT = 0;
const DESTINATION_PORT = 2;
const PROTOCOLS = {
  udp: { number: 17, checksum: 6 },
  tcp: { number: 6, checksum: 16 },
} as const;

function rules(ports: Ports) {
  const server = parseAddress(NAME_SERVER);
  const known = value.be16(PORT);
  return (["udp", "tcp"] as const).flatMap((protocol) => {
    const { number, checksum } = PROTOCOLS[protocol];
    const ours = value.be16(ports[protocol]);
    return [
      newRule(
        TABLE,
        QUESTIONS,
        match("network", DESTINATION_ADDRESS, server),
        matchProtocol(number),
        match("transport", DESTINATION_PORT, known),
        rewrite(DESTINATION_PORT, ours, checksum),
      ),
      newRule(
        TABLE,
        ANSWERS,
        match("network", SOURCE_ADDRESS, server),
        matchProtocol(number),
        match("transport", SOURCE_PORT, ours),
        rewrite(SOURCE_PORT, known, checksum),
      ),
    ];
  });
}

/**
 * Leads port 53 of the thread's present namespace to these ports. `replace`: rules that are there already lead to other
 * ports; else they are left as they are. Errors: NetlinkError.
 */
export function redirectQuestions(ports: Ports, replace: boolean): void {
  const socket = NetlinkSocket.open(NETLINK.NETFILTER);
  const table = [
    newTable(TABLE),
    newOutputChain(TABLE, QUESTIONS, BEFORE_TRACKING),
    newOutputChain(TABLE, ANSWERS, AFTER_TRACKING),
    ...rules(ports),
  ];
  try {
    commitRules(socket, table, "redirect names", NAME_SERVER);
  } catch (refused) {
    if (!(refused instanceof NetlinkError && refused.errno === EEXIST)) throw refused;
    if (replace) commitRules(socket, [deleteTable(TABLE), ...table], "redirect names again", NAME_SERVER);
  } finally {
    // In another thread: on older kernels it waits for what any namespace deleted just before (some 10 to 30 ms).
    close(socket.fd, () => {});
  }
}
