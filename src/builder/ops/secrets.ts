// Secrets, asked of the client's session when a step needs them. They are never kept.
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { notFound } from "../../base/errors.ts";
import { Secrets } from "../../buildkit/messages/secrets_pb.ts";
import type { OperationEnvironment } from "./environment.ts";

/** Undefined: there is none, and it is optional. Errors: not-found, "secret X: not found". */
export async function readSecret(
  environment: Pick<OperationEnvironment, "session">,
  id: string,
  optional: boolean,
): Promise<Uint8Array | undefined> {
  const missing = () => {
    if (optional) return undefined;
    throw notFound(`secret ${id}: not found`);
  };
  const session = await environment.session();
  if (!session.serves("/moby.buildkit.secrets.v1.Secrets/GetSecret")) return missing();
  try {
    return (await createClient(Secrets, session.grpc.transport).getSecret({ id })).data;
  } catch (thrown) {
    const { code } = ConnectError.from(thrown);
    if (code === Code.NotFound || code === Code.Unimplemented) return missing();
    throw thrown;
  }
}
