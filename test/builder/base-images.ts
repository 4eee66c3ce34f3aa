// The images that cases begin from: one tree of files, made of the host's busybox, under several configurations.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import type { ApiAnswer, RequestOptions } from "../fixtures/daemon.ts";
import { type ArchiveFile, archiveOf } from "./archive.ts";

/** Name, and what it is imported with: instructions, and a platform where it isn't the host's. */
export const BASE_IMAGES: Record<string, { changes: string[]; platform?: string }> = {
  "test-base:1": { changes: ['CMD ["sh"]', "ENV PATH=/bin"] },
  "test-base-onbuild:1": {
    changes: [
      "ENV PATH=/bin",
      "ONBUILD RUN echo first >/onbuild",
      "ONBUILD ENV FROM_TRIGGER=yes",
      "ONBUILD COPY . /app/",
    ],
  },
  "test-base-onbuild-stage:1": { changes: ["ENV PATH=/bin", "ONBUILD COPY --from=maker /made /made"] },
  "test-base-onbuild-broken:1": { changes: ["ENV PATH=/bin", "ONBUILD RUN exit 3"] },
  "test-base-users:1": { changes: ["ENV PATH=/bin", "USER app", "WORKDIR /home/app"] },
  "test-base-config:1": {
    changes: [
      "ENV PATH=/bin BASE=base",
      'ENTRYPOINT ["/bin/echo","of the base"]',
      'CMD ["base"]',
      "EXPOSE 80",
      "VOLUME /base-data",
      "LABEL base=yes kept=yes",
      "STOPSIGNAL SIGINT",
      "HEALTHCHECK --interval=5s CMD true",
      "WORKDIR /usr/share",
    ],
  },
  "test-base-arm64:1": { changes: ["ENV PATH=/bin"], platform: "linux/arm64" },
};

type Request = (
  method: string,
  path: string,
  options?: RequestOptions,
) => Promise<Pick<ApiAnswer, "status" | "text">>;

/** Imports all of them. */
export async function importBases(request: Request): Promise<void> {
  const archive = baseArchive();
  for (const [name, { changes, platform }] of Object.entries(BASE_IMAGES)) {
    const [repo = "", tag = ""] = name.split(":");
    const query = new URLSearchParams({ fromSrc: "-", repo, tag });
    for (const change of changes) query.append("changes", change);
    if (platform) query.set("platform", platform);
    const { status, text } = await request("POST", `/images/create?${query}`, { body: archive });
    if (status !== 200 || text.includes("errorDetail"))
      throw new Error(`importing ${name}: ${status} ${text}`);
  }
}

/** cap_net_raw=ep, as the kernel keeps it (linux/capability.h, VFS_CAP_REVISION_2). */
const NET_RAW = "0100000200200000000000000000000000000000";

/** The tree of every base image. The same busybox gives the same bytes. */
export function baseArchive(): Buffer {
  const applets = execFileSync("/bin/busybox", ["--list"], { encoding: "utf8" }).trim().split("\n");
  const folder = (path: string, more: Partial<ArchiveFile> = {}): ArchiveFile => ({
    path,
    type: "folder",
    ...more,
  });
  const file = (path: string, text: string, more: Partial<ArchiveFile> = {}): ArchiveFile => ({
    path,
    text,
    ...more,
  });
  return archiveOf([
    folder("bin"),
    { path: "bin/busybox", bytes: readFileSync("/bin/busybox"), mode: "755" },
    ...applets
      .filter((applet) => applet !== "busybox")
      .map((applet): ArchiveFile => ({ path: `bin/${applet}`, type: "symlink", target: "busybox" })),
    folder("dev"),
    folder("etc"),
    file("etc/group", "root:x:0:\napp:x:1000:\nstaff:x:50:app\nnogroup:x:65534:\n"),
    file("etc/hosts", ""),
    file(
      "etc/passwd",
      "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000::/home/app:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n",
    ),
    file("etc/resolv.conf", ""),
    folder("home"),
    folder("home/app", { uid: 1000, gid: 1000 }),
    folder("opt"),
    file("opt/capable", "may ping\n", { mode: "755", xattrs: { "security.capability": NET_RAW } }),
    folder("proc"),
    folder("root", { mode: "700" }),
    { path: "srv", type: "symlink", target: "usr/share" },
    folder("sys"),
    folder("tmp", { mode: "1777" }),
    folder("usr"),
    folder("usr/share"),
    folder("usr/share/base"),
    file("usr/share/base/a.txt", "a of the base\n"),
    { path: "usr/share/base/a.link", type: "hard-link", target: "usr/share/base/a.txt" },
    folder("usr/share/base/deep"),
    file("usr/share/base/deep/b.txt", "b of the base\n"),
    folder("var"),
  ]);
}
