// Rules by libnftables: libnftables(3), nft(8). No process is started: adding an element takes some 0.1 ms.
// All of it is about the network namespace that the thread was in at the first use: libnftables keeps its socket.

import { systemError } from "../base/errors.ts";
import { errnoNumber } from "./errors.ts";
import { cString, library, T } from "./ffi.ts";
import { attributesByType, read } from "./netlink/message.ts";
import { netfilterSocket } from "./netlink/socket.ts";

const n = library("libnftables.so.1", {
  nft_ctx_new: { args: [T.u32], returns: T.ptr },
  nft_ctx_buffer_output: { args: [T.ptr], returns: T.i32 },
  nft_ctx_buffer_error: { args: [T.ptr], returns: T.i32 },
  nft_ctx_output_set_flags: { args: [T.ptr, T.u32], returns: T.void },
  nft_run_cmd_from_buffer: { args: [T.ptr, T.ptr], returns: T.i32 },
  nft_ctx_get_output_buffer: { args: [T.ptr], returns: T.cstring },
  nft_ctx_get_error_buffer: { args: [T.ptr], returns: T.cstring },
});

const NFT_CTX_OUTPUT_JSON = 1 << 4;

let context: ReturnType<typeof n.nft_ctx_new> | undefined;

function contextOf(): NonNullable<typeof context> {
  if (context) return context;
  let made: typeof context;
  try {
    made = n.nft_ctx_new(0);
  } catch (thrown) {
    throw systemError("libnftables.so.1 can't be loaded: install the package libnftables1", thrown);
  }
  if (!made) throw systemError("libnftables: no context");
  // Unbuffered, nft would write to our own standard output and error.
  n.nft_ctx_buffer_output(made);
  n.nft_ctx_buffer_error(made);
  context = made;
  return made;
}

function run(commands: string, flags: number): { failed: boolean; output: string; error: string } {
  const ctx = contextOf();
  n.nft_ctx_output_set_flags(ctx, flags);
  const failed = n.nft_run_cmd_from_buffer(ctx, cString(commands)) !== 0;
  // Both are emptied by the read, and would else turn up in the next call's.
  const output = String(n.nft_ctx_get_output_buffer(ctx) ?? "");
  const error = String(n.nft_ctx_get_error_buffer(ctx) ?? "");
  return { failed, output, error };
}

/**
 * Runs nft commands (lines) as one transaction: all of them, or none.
 * The text is a program: whoever makes it puts in only what was parsed.
 * Errors: system, with nft's words.
 */
export function nft(commands: string): void {
  const { failed, error } = run(commands, 0);
  if (failed) throw systemError(`nftables: ${error.trim() || "refused"}`);
}

/** What a `list …` command gives, as libnftables-json(5) has it; undefined when what it names isn't there. */
export function nftList(command: string): Record<string, unknown>[] | undefined {
  const { failed, output, error } = run(command, NFT_CTX_OUTPUT_JSON);
  if (!failed) return output ? (JSON.parse(output) as { nftables: Record<string, unknown>[] }).nftables : [];
  if (/No such file or directory/.test(error)) return undefined;
  throw systemError(`nftables: ${error.trim() || "refused"}`);
}

const NFT_MSG_GETGEN = (10 << 8) | 16;
const NFTA_GEN_ID = 1;

/**
 * The number of the rule set: it grows by one with every transaction of anybody, so
 * an equal number says that nothing was changed (some 30 µs). -1 where the kernel has no nftables.
 */
export function nftGeneration(): number {
  try {
    const answer = netfilterSocket().get(
      NFT_MSG_GETGEN,
      Uint8Array.of(0, 0, 0, 0),
      "read nftables generation",
      "",
    );
    const id = answer && attributesByType(answer.payload.subarray(4)).get(NFTA_GEN_ID);
    return id ? read.be32(id) : -1;
  } catch (thrown) {
    if ((thrown as { errno?: unknown }).errno === errnoNumber("EINVAL")) return -1;
    throw thrown;
  }
}
