// The job "receive-context": a client's files, by file sync's packets, into a folder that has those of an earlier transfer.
import { readSync } from "node:fs";
import { openRootFolder } from "../../archive/index.ts";
import { messageOf, unavailable } from "../../base/errors.ts";
import { contentDigest, type FileEntry, PacketDecoder, Receiver } from "../../buildkit/file-sync/index.ts";
import { enterRoot, openFolder } from "../../linux/files.ts";
import { bootId } from "../context-state.ts";
import { ContextJournal, writeAll } from "./context-journal.ts";
import { recoverFiles } from "./context-recovery.ts";
import { ContextSink } from "./context-sink.ts";

export interface ReceivedContext {
  /** Entries of the folder now, of all kinds. */
  files: number;
  /** Of content, that came. */
  bytes: number;
  changed: number;
  removed: number;
  /** contentDigest of the folder. */
  digest: string;
}

const CHUNK = 1 << 20;

/** @param state a folder outside of `root` (context-state.ts) */
export function receiveContext(root: string, state: string): ReceivedContext {
  const boot = bootId();
  const journal = new ContextJournal(openFolder(state), boot);
  enterRoot(root);
  process.umask(0);
  const top = openRootFolder("/");
  const { index, broken } = journal.read();
  let known: readonly FileEntry[] = index?.entries ?? [];
  let recovered = false;
  if (!index || broken) {
    known = recoverFiles(top, [...known, ...(broken ?? [])]);
    recovered = broken !== undefined || known.length > 0;
    // What was kept stays known when this transfer breaks, too.
    if (broken) journal.writeIndex("", known);
  }
  using sink = new ContextSink(top, journal);
  const receiver = new Receiver(known, sink);
  try {
    exchange(receiver);
  } catch (thrown) {
    journal.flush();
    receiver.refuse(messageOf(thrown));
    try {
      writeAll(1, receiver.encoder.take());
    } catch {} // Nobody is there to hear it
    throw thrown;
  }
  const { entries, bytes, changed, removed } = receiver.result();
  const same = index && !recovered && changed === 0 && removed === 0;
  const digest = same ? index.digest : contentDigest(entries);
  if (!same || receiver.hasChanged) journal.writeIndex(digest, entries);
  journal.end();
  return { files: entries.length, bytes, changed, removed, digest };
}

/** Nothing else runs in this process: waiting in read(2) and write(2) is the shortest way. */
function exchange(receiver: Receiver): void {
  const decoder = new PacketDecoder();
  const buffer = Buffer.allocUnsafeSlow(CHUNK);
  const { encoder } = receiver;
  while (!receiver.done) {
    const count = readSync(0, buffer, 0, CHUNK, null);
    if (count === 0) throw unavailable("the client left before its files were transferred");
    decoder.push(buffer.subarray(0, count), (packet) => receiver.take(packet));
    if (encoder.length > 0) writeAll(1, encoder.take());
  }
}
