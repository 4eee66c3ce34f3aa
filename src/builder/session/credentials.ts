// Credentials for a registry, asked of the client's session.
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { Auth } from "../../buildkit/messages/session_pb.ts";
import type { RegistryAuth } from "../../registry/types.ts";
import type { Session } from "./sessions.ts";

/** A user without a name has an identity token for a secret. Undefined: the client has none. */
export async function credentialsOf(
  { session: open }: { session(): Promise<Session> },
  host: string,
): Promise<RegistryAuth | undefined> {
  let session: Session;
  try {
    session = await open();
  } catch {
    return undefined; // A client without a session has no credentials either
  }
  if (!session.serves("/moby.filesync.v1.Auth/Credentials")) return undefined;
  try {
    const { username, secret } = await createClient(Auth, session.grpc.transport).credentials({ host });
    if (!secret) return undefined;
    return username ? { username, password: secret } : { identitytoken: secret };
  } catch (thrown) {
    const { code } = ConnectError.from(thrown);
    if (code === Code.Unimplemented || code === Code.NotFound || code === Code.Unknown) return undefined;
    throw thrown;
  }
}
