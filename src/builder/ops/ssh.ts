// The client's ssh agent as a socket in a step: each connection to it becomes a stream of the client's session.
import { chmodSync, chownSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { createClient } from "@connectrpc/connect";
import { notFound } from "../../base/errors.ts";
import type { SSHOpt } from "../../buildkit/messages/ops_pb.ts";
import { SSH } from "../../buildkit/messages/ssh_pb.ts";
import type { OperationEnvironment } from "./environment.ts";

/** Which agent a stream is for; "default" where a step names none. */
const ID_HEADER = "buildkit.ssh.id";

/** Undefined: the client has none, and it is optional. Errors: not-found, in BuildKit's words. */
export async function forwardAgent(
  environment: OperationEnvironment,
  options: Pick<SSHOpt, "id" | "uid" | "gid" | "mode" | "optional">,
  path: string,
): Promise<AsyncDisposable | undefined> {
  const id = options.id || "default";
  const session = await environment.session();
  const client = createClient(SSH, session.grpc.transport);
  try {
    if (!session.serves("/moby.sshforward.v1.SSH/CheckAgent")) throw notFound("no SSH forwarding");
    await client.checkAgent({ id });
  } catch (thrown) {
    if (options.optional) return undefined;
    throw notFound(`unset ssh forward key ${id}`, thrown);
  }
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on("close", () => open.delete(socket));
    socket.on("error", () => socket.destroy());
    void carry(socket);
  });
  async function carry(socket: Socket): Promise<void> {
    async function* sent() {
      for await (const data of socket as AsyncIterable<Uint8Array>) yield { data };
    }
    try {
      for await (const { data } of client.forwardAgent(sent(), { headers: { [ID_HEADER]: id } }))
        socket.write(data);
      socket.end();
    } catch {
      socket.destroy();
    }
  }
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, resolve);
  });
  chownSync(path, options.uid, options.gid);
  chmodSync(path, options.mode & 0o777);
  return {
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
