// What cases fetch: an HTTP server with files of fixed times, a git repository with fixed commits (by git's "dumb"
// protocol: files alone), and a registry that has no image.
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "../fixtures/temporary-folder.ts";
import { packedArchive } from "./archive.ts";
import type { PreparedFile } from "./prepare.ts";

export interface Site extends Disposable {
  /** 127.0.0.1:PORT. */
  readonly address: string;
}

const MODIFIED = "Thu, 02 Jan 2020 03:04:05 GMT";

const ARCHIVE: PreparedFile[] = [
  { path: "packed", type: "folder", mode: "750" },
  { path: "packed/file.txt", text: "from an archive of the site\n", uid: 7, gid: 8, mode: "640" },
];
const CONTEXT: PreparedFile[] = [
  { path: "Dockerfile", text: "FROM scratch\nCOPY file.txt /\n" },
  { path: "file.txt", text: "from the context of the site\n" },
];

const FILES: Record<string, { body: string | Uint8Array; headers?: Record<string, string> }> = {
  "/file.txt": { body: "from the site\n" },
  "/with%20space.txt": { body: "a name with a space\n" },
  "/sub/": { body: "no name of its own\n" },
  "/named": { body: "named\n", headers: { "Content-Disposition": 'attachment; filename="given.txt"' } },
  "/archive.tar.gz": { body: packedArchive(ARCHIVE, "gzip") },
  "/context.tar.gz": { body: packedArchive(CONTEXT, "gzip") },
  "/Dockerfile": { body: "FROM test-base:1\nRUN echo from a Dockerfile of the site >/made\n" },
};

export function startSite(): Site {
  const folder = temporaryFolder();
  makeRepository(folder.path);
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch(request) {
      const { pathname } = new URL(request.url);
      const found = FILES[pathname];
      const headers = { "Last-Modified": MODIFIED, "Content-Type": "application/octet-stream" };
      if (found)
        return new Response(new Uint8Array(Buffer.from(found.body)), {
          headers: { ...headers, ...found.headers },
        });
      if (pathname === "/redirect")
        return new Response(null, { status: 302, headers: { Location: "/file.txt" } });
      if (pathname === "/broken") return new Response("broken", { status: 500 });
      const path = join(folder.path, pathname);
      if (pathname.startsWith("/repository.git/") && existsSync(path) && statSync(path).isFile())
        return new Response(new Uint8Array(readFileSync(path)), { headers });
      if (pathname.startsWith("/v2/"))
        return Response.json(
          { errors: [{ code: "MANIFEST_UNKNOWN", message: "manifest unknown" }] },
          { status: 404 },
        );
      return new Response("not there", { status: 404 });
    },
  });
  return {
    address: `127.0.0.1:${server.port}`,
    [Symbol.dispose]() {
      void server.stop(true);
      folder[Symbol.dispose]();
    },
  };
}

/** repository.git with the branches main and other and the tag v1; the commits are the same wherever it is made. */
function makeRepository(folder: string): void {
  const script = `
    set -e
    git init -q -b main work && cd work
    echo "of main" >README && mkdir sub && echo inner >sub/inner.txt && ln -s sub/inner.txt link
    printf '#!/bin/sh\\necho hello\\n' >run.sh && chmod 755 run.sh
    printf 'FROM scratch\\nCOPY README link /\\n' >Dockerfile
    printf 'FROM scratch\\nCOPY . /sub/\\n' >sub/Dockerfile
    git add -A && git commit -q -m one && git tag v1
    git checkout -q -b other && echo "of other" >README && git commit -q -a -m two
    git checkout -q main && echo second >second.txt && git add -A && git commit -q -m three
    cd .. && git clone -q --bare work repository.git && git -C repository.git update-server-info`;
  const date = "2020-01-03T00:00:00Z";
  const { exitCode, stderr } = Bun.spawnSync(["sh", "-c", script], {
    cwd: folder,
    stderr: "pipe",
    env: {
      PATH: process.env.PATH ?? "",
      HOME: folder,
      GIT_CONFIG_NOSYSTEM: "1",
      GIT_AUTHOR_NAME: "A",
      GIT_AUTHOR_EMAIL: "a@example.com",
      GIT_AUTHOR_DATE: date,
      GIT_COMMITTER_NAME: "A",
      GIT_COMMITTER_EMAIL: "a@example.com",
      GIT_COMMITTER_DATE: date,
    },
  });
  if (exitCode !== 0) throw new Error(`making the repository: ${stderr}`);
}
