// An agent of private keys that a person named instead of an agent's socket. They stay in this process: a build gets signatures.
import { readFileSync } from "node:fs";
import { type AgentKey, parsePrivateKey } from "./private-keys.ts";
import type { Agent, AgentSource } from "./ssh-agent.ts";
import { blobOf, textOf, WireReader } from "./ssh-wire.ts";

const FAILURE = 5;
const REQUEST_IDENTITIES = 11;
const IDENTITIES_ANSWER = 12;
const SIGN_REQUEST = 13;
const SIGN_RESPONSE = 14;

/** Bytes that a file with a key may have, as BuildKit reads them. */
const LIMIT = 100 * 1024;

/** Errors: one that names the file and what is wrong with it. */
export function readPrivateKey(path: string): AgentKey {
  try {
    const bytes = readFileSync(path);
    if (bytes.length > LIMIT) throw new Error("no private key is in it");
    return parsePrivateKey(bytes.toString());
  } catch (thrown) {
    throw new Error(`failed to parse ${path}: ${thrown instanceof Error ? thrown.message : String(thrown)}`, {
      cause: thrown,
    });
  }
}

export function keyAgent(keys: readonly AgentKey[]): AgentSource {
  return {
    open: async () =>
      Object.assign(async (request: Uint8Array) => answerOf(keys, request), {
        async [Symbol.asyncDispose]() {},
      }) satisfies Agent & AsyncDisposable,
  };
}

function answerOf(keys: readonly AgentKey[], request: Uint8Array): Uint8Array {
  const reader = new WireReader(request.subarray(5));
  switch (request[4]) {
    case REQUEST_IDENTITIES: {
      const count = Buffer.alloc(4);
      count.writeUInt32BE(keys.length);
      const all = keys.flatMap(({ publicKey, comment }) => [blobOf(publicKey), textOf(comment)]);
      return message(IDENTITIES_ANSWER, count, ...all);
    }
    case SIGN_REQUEST: {
      const wanted = Buffer.from(reader.blob());
      const data = reader.blob();
      const key = keys.find(({ publicKey }) => wanted.equals(publicKey));
      return key ? message(SIGN_RESPONSE, blobOf(key.sign(data, reader.uint32()))) : message(FAILURE);
    }
    default:
      return message(FAILURE);
  }
}

const message = (type: number, ...parts: Uint8Array[]): Uint8Array =>
  blobOf(Buffer.concat([Buffer.from([type]), ...parts]));
