// What a build gives: an archive as a stream of bytes, or the files of a folder. The daemon says which output it is for.

import { CODE, GrpcError, type ServedStream } from "../../../buildkit/calls/index.ts";
import {
  decodeSendRequest,
  FILE_SEND_PATH,
  Receiver,
  receiveStream,
} from "../../../buildkit/file-sync/index.ts";
import type { BuildOutput } from "../types.ts";
import { pieces } from "./bytes-messages.ts";
import { FolderSink } from "./folder-sink.ts";
import { FILE_SEND } from "./methods.ts";
import type { SessionService } from "./session.ts";

/** `outputs`: in the order in which the daemon was told of them. */
export function resultsService(outputs: BuildOutput[]): SessionService {
  const receive = async (stream: ServedStream) => {
    const output = outputs[decodeSendRequest(stream.headers).exporter];
    if (output?.folder && output.type === "local") {
      await receiveStream(stream, new Receiver([], new FolderSink(output.folder)));
      return;
    }
    if (!output?.file) throw new GrpcError("no output was asked for", CODE.notFound);
    const sink = output.file();
    try {
      for await (const piece of pieces(stream.chunks)) await sink.write(piece);
    } finally {
      await sink.close();
    }
  };
  return { methods: FILE_SEND, framed: { [FILE_SEND_PATH]: receive } };
}
