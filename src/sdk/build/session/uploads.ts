// Archives that the client sends as they come (a context from standard input): the daemon fetches them from the
// session as if from `http://buildkit-session/NAME` (moby/buildkit session/upload).
import { ConnectError, type ConnectRouter } from "@connectrpc/connect";
import { Upload } from "../../../buildkit/messages/upload_pb.ts";

/** BuildKit keeps under gRPC's limit of 4 MiB a message. */
const LARGEST = 3 << 20;

/** Each archive can be fetched once. */
export function registerUploads(
  archives: Record<string, AsyncIterable<Uint8Array>>,
): (router: ConnectRouter) => void {
  const left = new Map(Object.entries(archives));
  return (router) => {
    router.service(Upload, {
      async *pull(_, context) {
        const name = (context.requestHeader.get("urlpath") ?? "").replace(/^.*\//, "");
        const archive = left.get(name);
        if (!archive) throw new ConnectError(`no http response from session for ${name}`);
        left.delete(name);
        for await (const chunk of archive)
          for (let at = 0; at < chunk.length; at += LARGEST) yield { data: chunk.subarray(at, at + LARGEST) };
      },
    });
  };
}
