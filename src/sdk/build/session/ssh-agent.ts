// The client's SSH agent, as `RUN --mount=type=ssh` and git sources use it. A build may list keys and sign; whatever
// changes the agent is refused here (draft-ietf-sshm-ssh-agent: a message is its length in four bytes, its type, its content).
import { connect, type Socket } from "node:net";
import { Code, ConnectError, type ConnectRouter } from "@connectrpc/connect";
import { SSH } from "../../../buildkit/messages/ssh_pb.ts";
import { MessageReader } from "./agent-messages.ts";

const FAILURE = Buffer.from([0, 0, 0, 1, 5]);
const REQUEST_IDENTITIES = 11;
const SIGN_REQUEST = 13;

/** An agent: gives the answer to one request, both with their lengths. */
export type Agent = (request: Uint8Array) => Promise<Uint8Array>;
export interface AgentSource {
  open(): Promise<Agent & AsyncDisposable>;
}

export function registerSsh(agents: Record<string, AgentSource>): (router: ConnectRouter) => void {
  const find = (id: string) => {
    const name = id || "default";
    const agent = Object.hasOwn(agents, name) ? agents[name] : undefined;
    if (!agent) throw new ConnectError(`unset ssh forward key ${name}`, Code.NotFound);
    return agent;
  };
  return (router) => {
    router.service(SSH, {
      checkAgent({ id }) {
        find(id);
        return {};
      },
      async *forwardAgent(chunks, context) {
        await using agent = await find(context.requestHeader.get("buildkit.ssh.id") ?? "").open();
        const reader = new MessageReader();
        for await (const { data } of chunks)
          for (const message of reader.take(data)) {
            const allowed = message[4] === REQUEST_IDENTITIES || message[4] === SIGN_REQUEST;
            yield { data: allowed ? await agent(message) : FAILURE };
          }
      },
    });
  };
}

/** The agent behind a socket. */
export function socketAgent(path: string): AgentSource {
  return {
    async open() {
      const socket = await new Promise<Socket>((resolve, reject) => {
        const one = connect(path, () => resolve(one));
        one.on("error", (error) => reject(new Error(`failed to connect to ${path}: ${error.message}`)));
      });
      const reader = new MessageReader();
      const chunks = socket[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
      const agent = async (request: Uint8Array) => {
        socket.write(request);
        for (;;) {
          const { done, value } = await chunks.next();
          if (done) throw new Error("the ssh agent has closed its connection");
          const [answer] = reader.take(value);
          if (answer) return answer;
        }
      };
      return Object.assign(agent, {
        async [Symbol.asyncDispose]() {
          socket.destroy();
        },
      });
    },
  };
}
