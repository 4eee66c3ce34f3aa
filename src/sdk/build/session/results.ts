// What a build gives: an archive as a stream of bytes, or the files of a folder. The daemon says which output it is for.
import { Code, ConnectError } from "@connectrpc/connect";
import {
  decodeSendRequest,
  FILE_SEND_PATH,
  Receiver,
  receiveStream,
} from "../../../buildkit/file-sync/index.ts";
import type { ServedStream } from "../../../buildkit/grpc/index.ts";
import { FileSend } from "../../../buildkit/messages/session_pb.ts";
import type { BuildOutput } from "../types.ts";
import { pieces } from "./bytes-messages.ts";
import { FolderSink } from "./folder-sink.ts";
import type { SessionService } from "./session.ts";

/** `outputs`: in the order in which the daemon was told of them. */
export function resultsService(outputs: BuildOutput[]): SessionService {
  const receive = async (stream: ServedStream) => {
    const output = outputs[decodeSendRequest(stream.headers).exporter];
    if (output?.folder && output.type === "local") {
      await receiveStream(stream, new Receiver([], new FolderSink(output.folder)));
      return;
    }
    if (!output?.file) throw new ConnectError("no output was asked for", Code.NotFound);
    const sink = output.file();
    try {
      for await (const piece of pieces(stream.chunks)) await sink.write(piece);
    } finally {
      await sink.close();
    }
  };
  return { service: FileSend, framed: { [FILE_SEND_PATH]: receive } };
}
