// Secrets, as `RUN --mount=type=secret` asks for them.
import { Code, ConnectError, type ConnectRouter } from "@connectrpc/connect";
import { Secrets } from "../../../buildkit/messages/secrets_pb.ts";
import type { SecretSource } from "../types.ts";

/** BuildKit's limit (session/secrets/secretsprovider). */
export const MAX_SECRET_SIZE = 500 * 1024;

export function registerSecrets(secrets: Record<string, SecretSource>): (router: ConnectRouter) => void {
  return (router) => {
    router.service(Secrets, {
      async getSecret({ id }) {
        if (!Object.hasOwn(secrets, id)) throw new ConnectError("not found", Code.NotFound);
        const data = await read(secrets[id] ?? {});
        if (data.length > MAX_SECRET_SIZE) throw new ConnectError(`invalid secret size ${data.length}`);
        return { data };
      },
    });
  };
}

async function read({ data, env, file }: SecretSource): Promise<Uint8Array> {
  if (data) return data;
  if (env) return Buffer.from(process.env[env] ?? "");
  return Bun.file(file ?? "").bytes();
}
