// BuildKit's file sync (fsutil), both of its ends: a client sends folders, the daemon receives what has changed in them.

export { contentDigest, factsOf, isTransferable } from "./content-digest.ts";
export { type CopyDigest, type CopyDigester, type CopySelector, createCopyDigester } from "./copy-digest.ts";
export { decodeFileList, encodeFileList } from "./file-list.ts";
export * from "./file-stat.ts";
export { createMemorySink, type MemoryFile, type MemorySink } from "./memory-sink.ts";
export { comparePaths } from "./order-check.ts";
export { PacketEncoder } from "./packet-encoder.ts";
export { type Packet, PacketDecoder } from "./packets.ts";
export { createPathFilter, type FolderState, type PathFilter } from "./path-filter.ts";
export { type FileWriter, type Received, Receiver, type Sink } from "./receive.ts";
export { receiveStream } from "./receive-stream.ts";
export {
  decodeSendRequest,
  decodeSyncRequest,
  encodeSendRequest,
  encodeSyncRequest,
  type SendRequest,
  type SyncRequest,
} from "./request.ts";
export { type PacketStream, type SendOptions, sendTree } from "./send.ts";
export { FILE_SEND_PATH, FILE_SYNC_PATH, fileSyncHandler, type SyncedFolder } from "./serve.ts";
export { describe, type HostPath, openTree, statOf, type TreeSource } from "./tree-source.ts";
export { resetOwner, type WalkOptions, walkTree } from "./walk.ts";
