// A Dockerfile at an address (`-f https://…`). The daemon fetches it, in a small build of its own: what it can reach,
// and not what this host can, is what the build will reach too.
import { create, toBinary } from "@bufbuild/protobuf";
import { OpSchema } from "../../buildkit/messages/ops_pb.ts";
import type { Connection } from "../connection.ts";
import { SdkError } from "../errors.ts";
import type { BuildCalls } from "./build-calls.ts";
import { buildError } from "./error.ts";
import { newId, openSession } from "./session/session.ts";
import { follow } from "./status.ts";
import type { BuildEvent } from "./types.ts";

/** Bytes; longer than any that a person wrote. */
const LARGEST = 2 << 20;
const NAME = "Dockerfile";

export async function fetchDockerfile(
  connection: Connection,
  calls: BuildCalls,
  address: string,
  options: { onEvent?: (event: BuildEvent) => void; signal?: AbortSignal },
): Promise<Uint8Array> {
  const { signal } = options;
  const { control, bridge } = await calls.services();
  await using session = await openSession(connection, [], { signal });
  const ref = newId();
  const status = follow(calls, ref, options.onEvent);
  const solving = control.solve({ ref, session: session.id, internal: true }, { signal });
  const call = { signal, headers: { "buildkit-controlapi-buildid": ref } };
  try {
    await bridge.ping({}, call);
    const { result } = await bridge.solve(
      { definition: await definitionOf(address), allowResultReturn: true, allowResultArrayRef: true },
      call,
    );
    const source = result?.result.case === "ref" ? result.result.value.id : "";
    const { stat } = await bridge.statFile({ ref: source, path: NAME }, call);
    if ((stat?.size ?? 0n) > BigInt(LARGEST))
      throw new SdkError("protocol", `Dockerfile ${address} bigger than allowed max size (2.097MB)`);
    const { data } = await bridge.readFile({ ref: source, filePath: NAME }, call);
    await bridge.return({ result: { result: { case: "ref", value: {} } } }, call);
    await solving;
    return data;
  } catch (thrown) {
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    await bridge.return({ error: { code: 2, message } }, call).catch(() => {});
    await solving.catch(() => {}); // It fails with what is thrown here
    throw buildError(thrown, "failed to solve");
  } finally {
    await status.settle(signal?.aborted === true);
  }
}

/** A graph of one source; its last vertex names the output that is wanted. */
async function definitionOf(address: string) {
  const source = toBinary(
    OpSchema,
    create(OpSchema, {
      op: { case: "source", value: { identifier: address, attrs: { "http.filename": NAME } } },
    }),
  );
  const hash = new Bun.CryptoHasher("sha256").update(source).digest("hex");
  const digest = `sha256:${hash}`;
  const end = toBinary(OpSchema, create(OpSchema, { inputs: [{ digest, index: 0n }] }));
  const description = { "llb.customname": `[internal] load ${address}` };
  return { def: [source, end], metadata: { [digest]: { description } } };
}
