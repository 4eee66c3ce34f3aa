// `http://buildkit-session/ID`: an archive that the client sends as it comes (a context from its standard input). For the
// graph it is a download like any other; its bytes come from the session (moby/buildkit session/upload).
import { ConnectError, createClient } from "@connectrpc/connect";
import { invalid } from "../../base/errors.ts";
import { Upload } from "../../buildkit/messages/upload_pb.ts";
import type { Session } from "../session/sessions.ts";

export const SESSION_HOST = "buildkit-session";
const PULL = "/moby.upload.v1.Upload/Pull";

/** The archive's bytes; a client gives them once. Errors: invalid, with the client's words. */
export async function* readSessionArchive(
  session: Session,
  address: URL,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  if (!session.serves(PULL)) throw invalid(`no http response from session for ${address.pathname.slice(1)}`);
  const nothing = (async function* () {})();
  const headers = { urlpath: address.pathname, urlhost: address.host };
  try {
    for await (const { data } of createClient(Upload, session.grpc.transport).pull(nothing, {
      headers,
      signal,
    }))
      yield data;
  } catch (thrown) {
    signal.throwIfAborted();
    throw thrown instanceof ConnectError ? invalid(thrown.rawMessage, thrown) : thrown;
  }
}
