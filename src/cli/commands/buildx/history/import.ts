// `buildx history import`: gives exported builds to Docker Desktop, where there is one.
import { createReadStream } from "node:fs";
import { request } from "node:http";
import { homedir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { buildFailure } from "../../../build-failure.ts";
import { openInBrowser } from "../../../build-history/browser.ts";
import { builderFlags } from "../../../build-options/builder-flags.ts";
import { command } from "../../../framework/command.ts";
import { flag } from "../../../framework/flags.ts";

export default command({
  synopsis: "[OPTIONS] -",
  about: "Import build records into Docker Desktop",
  args: { exactly: 0 },
  errorsBeginWith: "ERROR: ",
  flags: {
    ...builderFlags,
    file: flag.listOf("stringArray", (path) => path)("Import from a file path", { short: "f" }),
  },
  async run(session, { flags }) {
    try {
      const addresses: string[] = [];
      for (const path of flags.file.length > 0 ? flags.file : ["-"])
        addresses.push(...(await upload(path === "-" ? process.stdin : createReadStream(path))));
      if (addresses.length === 0) throw new Error("no build records found in the bundle");
      for (const address of addresses) await session.err.line(address);
      await openInBrowser(addresses[0] ?? "");
    } catch (thrown) {
      throw buildFailure(thrown);
    }
  },
});

/** Where Docker Desktop for Linux listens (docker/buildx util/desktop). */
const SOCKET = join(homedir(), ".docker/desktop/docker-desktop-build.sock");

async function upload(bundle: Readable): Promise<string[]> {
  const answered = Promise.withResolvers<{ status: number; body: string }>();
  const posting = request(
    { socketPath: SOCKET, method: "POST", path: "/upload", headers: { Host: "docker-desktop" } },
    (response) => {
      text(response).then(
        (body) => answered.resolve({ status: response.statusCode ?? 0, body }),
        answered.reject,
      );
    },
  );
  posting.on("error", (error: NodeJS.ErrnoException) => answered.reject(unreachable(error)));
  await pipeline(bundle, posting).catch((error: NodeJS.ErrnoException) =>
    answered.reject(unreachable(error)),
  );
  const { status, body } = await answered.promise;
  if (status !== 200) throw new Error(`failed to import build: ${body}`);
  return (JSON.parse(body) as string[]).map((ref) => `docker-desktop://dashboard/build/.imported/_/${ref}`);
}

function unreachable({ code, message }: NodeJS.ErrnoException): Error {
  const why = code === "ENOENT" ? "no such file or directory" : message;
  return new Error(
    `failed to send request, check if Docker Desktop is running: Post "http://docker-desktop/upload": dial unix ${SOCKET}: connect: ${why}`,
  );
}
