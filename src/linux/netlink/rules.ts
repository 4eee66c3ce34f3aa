// Rules of nftables as netlink messages: linux/netfilter/nf_tables.h, and `nft --debug=netlink` for the expressions.
// For rules that never change their form; those that a person would read or edit are text, for ../nftables.ts.
import { attribute, join, NLM_F, nest, value } from "./message.ts";
import type { NetlinkSocket } from "./socket.ts";

const SUBSYSTEM = 10;
const MESSAGE = { NEWTABLE: 0, DELTABLE: 2, NEWCHAIN: 3, NEWRULE: 6 } as const;
const BATCH_BEGIN = 0x10;
const BATCH_END = 0x11;
/** NFPROTO_IPV4: what these tables are about. */
const IPV4 = 2;
const LOCAL_OUT = 3;

const TABLE = { NAME: 1 } as const;
const CHAIN = { TABLE: 1, NAME: 3, HOOK: 4, TYPE: 7 } as const;
const HOOK = { NUMBER: 1, PRIORITY: 2 } as const;
const RULE = { TABLE: 1, CHAIN: 2, EXPRESSIONS: 4 } as const;
const LIST_ELEMENT = 1;
const EXPRESSION = { NAME: 1, DATA: 2 } as const;
const DATA_VALUE = 1;
const PAYLOAD = {
  TO: 1,
  BASE: 2,
  OFFSET: 3,
  LENGTH: 4,
  FROM: 5,
  CHECKSUM_TYPE: 6,
  CHECKSUM_OFFSET: 7,
} as const;
const BASE = { network: 1, transport: 2 } as const;
const INTERNET_CHECKSUM = 1;
const META = { TO: 1, KEY: 2 } as const;
const META_L4PROTO = 16;
const COMPARE = { FROM: 1, OPERATOR: 2, DATA: 3 } as const;
const EQUAL = 0;
const IMMEDIATE = { TO: 1, DATA: 2 } as const;
/** NFT_REG_1: each expression is done with it before the next begins. */
const REGISTER = value.be32(1);

export interface RuleRequest {
  type: number;
  flags: number;
  payload: Uint8Array;
}
type Expression = Uint8Array;

/** struct nfgenmsg: family, version, resource. */
const request = (type: number, flags: number, ...attributes: Uint8Array[]): RuleRequest => ({
  type: (SUBSYSTEM << 8) | type,
  flags,
  payload: join(Uint8Array.of(IPV4, 0, 0, 0), ...attributes),
});

/** A new table; refused (EEXIST) when it is there. */
export const newTable = (name: string) =>
  request(MESSAGE.NEWTABLE, NLM_F.CREATE | NLM_F.EXCL, attribute(TABLE.NAME, value.text(name)));

/** Refused (ENOENT) when there is none. */
export const deleteTable = (name: string) =>
  request(MESSAGE.DELTABLE, 0, attribute(TABLE.NAME, value.text(name)));

/** A chain for what this namespace's own processes send, the lower priority first: `type filter hook output`. */
export const newOutputChain = (table: string, name: string, priority: number) =>
  request(
    MESSAGE.NEWCHAIN,
    NLM_F.CREATE,
    attribute(CHAIN.TABLE, value.text(table)),
    attribute(CHAIN.NAME, value.text(name)),
    nest(
      CHAIN.HOOK,
      attribute(HOOK.NUMBER, value.be32(LOCAL_OUT)),
      attribute(HOOK.PRIORITY, value.be32(priority)),
    ),
    attribute(CHAIN.TYPE, value.text("filter")),
  );

/** A rule at the chain's end: `[...]` of expressions, each a list of the kernel's own. */
export const newRule = (table: string, chain: string, ...expressions: readonly Expression[][]) =>
  request(
    MESSAGE.NEWRULE,
    NLM_F.CREATE | NLM_F.APPEND,
    attribute(RULE.TABLE, value.text(table)),
    attribute(RULE.CHAIN, value.text(chain)),
    nest(RULE.EXPRESSIONS, ...expressions.flat()),
  );

const expression = (name: string, ...data: Uint8Array[]): Expression =>
  nest(LIST_ELEMENT, attribute(EXPRESSION.NAME, value.text(name)), nest(EXPRESSION.DATA, ...data));

const equals = (bytes: Uint8Array): Expression =>
  expression(
    "cmp",
    attribute(COMPARE.FROM, REGISTER),
    attribute(COMPARE.OPERATOR, value.be32(EQUAL)),
    nest(COMPARE.DATA, attribute(DATA_VALUE, bytes)),
  );

/** Goes on when the packet's header has these bytes there. */
export const match = (base: keyof typeof BASE, offset: number, bytes: Uint8Array): Expression[] => [
  expression(
    "payload",
    attribute(PAYLOAD.TO, REGISTER),
    attribute(PAYLOAD.BASE, value.be32(BASE[base])),
    attribute(PAYLOAD.OFFSET, value.be32(offset)),
    attribute(PAYLOAD.LENGTH, value.be32(bytes.length)),
  ),
  equals(bytes),
];

/** Goes on when the packet is of this protocol (6 TCP, 17 UDP); without it there is no transport header to match. */
export const matchProtocol = (number: number): Expression[] => [
  expression("meta", attribute(META.TO, REGISTER), attribute(META.KEY, value.be32(META_L4PROTO))),
  equals(value.u8(number)),
];

/** Writes bytes into the transport header, and mends its checksum, which is at `checksum`. */
export const rewrite = (offset: number, bytes: Uint8Array, checksum: number): Expression[] => [
  expression(
    "immediate",
    attribute(IMMEDIATE.TO, REGISTER),
    nest(IMMEDIATE.DATA, attribute(DATA_VALUE, bytes)),
  ),
  expression(
    "payload",
    attribute(PAYLOAD.FROM, REGISTER),
    attribute(PAYLOAD.BASE, value.be32(BASE.transport)),
    attribute(PAYLOAD.OFFSET, value.be32(offset)),
    attribute(PAYLOAD.LENGTH, value.be32(bytes.length)),
    attribute(PAYLOAD.CHECKSUM_TYPE, value.be32(INTERNET_CHECKSUM)),
    attribute(PAYLOAD.CHECKSUM_OFFSET, value.be32(checksum)),
  ),
];

/** Carries out requests as one transaction: all of them, or none. Errors: NetlinkError of the first that was refused. */
export function commitRules(
  socket: NetlinkSocket,
  requests: readonly RuleRequest[],
  what: string,
  object: string,
): void {
  const frame = (type: number): RuleRequest => ({
    type,
    flags: 0,
    payload: Uint8Array.of(0, 0, 0, SUBSYSTEM),
  });
  const quiet = [BATCH_BEGIN, BATCH_END];
  socket.changeAll([frame(BATCH_BEGIN), ...requests, frame(BATCH_END)], quiet, what, object);
}
