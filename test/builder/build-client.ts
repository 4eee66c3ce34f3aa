// A client of BuildKit's control in a test: solves graphs on a daemon, and hears what it tells meanwhile.
import { connect, type Socket } from "node:net";
import { createClient } from "@connectrpc/connect";
import { type GrpcConnection, openGrpc } from "../../src/buildkit/grpc/index.ts";
import { marshal, type Tree } from "../../src/buildkit/llb/index.ts";
import { Content } from "../../src/buildkit/messages/content_pb.ts";
import { Control } from "../../src/buildkit/messages/control_pb.ts";
import { LLBBridge } from "../../src/buildkit/messages/gateway_pb.ts";
import type { Daemon } from "../fixtures/daemon.ts";

export interface Solved {
  response: Record<string, string>;
  /** Of all steps together. */
  output: string;
  /** Names of vertices that came to their end, and those that were cached. */
  ran: string[];
  cached: string[];
  errors: string[];
}

export interface BuildClient extends AsyncDisposable {
  control: ReturnType<typeof createClient<typeof Control>>;
  content: ReturnType<typeof createClient<typeof Content>>;
  bridge: ReturnType<typeof createClient<typeof LLBBridge>>;
  /** Rejects with the build's error. */
  solve(tree: Tree, options?: SolveOptions): Promise<Solved>;
}

export interface SolveOptions {
  /** Of the image; none: the result is not exported. */
  name?: string;
  entitlements?: string[];
  signal?: AbortSignal;
  onOutput?: (text: string) => void;
}

export async function openBuildClient(daemon: Pick<Daemon, "socket">): Promise<BuildClient> {
  const connection = await grpcTo(daemon.socket);
  const control = createClient(Control, connection.transport);
  return {
    control,
    content: createClient(Content, connection.transport),
    bridge: createClient(LLBBridge, connection.transport),
    solve: (tree, options) => solve(control, tree, options),
    async [Symbol.asyncDispose]() {
      connection.close();
    },
  };
}

async function grpcTo(path: string): Promise<GrpcConnection> {
  const socket = connect(path);
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("error", reject);
  });
  socket.write("POST /grpc HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n");
  const head = await firstBytes(socket);
  if (!head.startsWith("HTTP/1.1 101")) throw new Error(`POST /grpc: ${head}`);
  return openGrpc(socket);
}

const firstBytes = (socket: Socket): Promise<string> =>
  new Promise((resolve) => socket.once("data", (chunk: Buffer) => resolve(chunk.toString())));

async function solve(
  control: BuildClient["control"],
  tree: Tree,
  { name, entitlements = [], signal, onOutput }: SolveOptions = {},
): Promise<Solved> {
  const ref = crypto.randomUUID();
  const solved: Solved = { response: {}, output: "", ran: [], cached: [], errors: [] };
  const following = (async () => {
    for await (const { vertexes, logs } of control.status({ ref })) {
      for (const { msg } of logs) {
        const text = Buffer.from(msg).toString();
        solved.output += text;
        onOutput?.(text);
      }
      for (const vertex of vertexes) {
        if (vertex.error) solved.errors.push(vertex.error);
        else if (vertex.completed) (vertex.cached ? solved.cached : solved.ran).push(vertex.name);
      }
    }
  })();
  const exporters = name === undefined ? [] : [{ type: "image", attrs: { name } }];
  try {
    const request = { ref, definition: marshal(tree), exporters, entitlements };
    const { exporterResponse } = await control.solve(request, { ...(signal && { signal }) });
    solved.response = exporterResponse;
  } finally {
    await following;
  }
  return solved;
}
