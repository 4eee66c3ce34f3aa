import { expect, test } from "bun:test";
import { create } from "@bufbuild/protobuf";
import { MountType, type Op, OpSchema } from "../../../buildkit/messages/ops_pb.ts";
import { execRecord, imageRecord, ROOT_SELECTOR } from "./buildkit-keys.ts";

const HOST = { os: "linux", architecture: "amd64" };

const exec = (command: string, mounts: object[] = [{ dest: "/", mountType: MountType.BIND }]): Op =>
  create(OpSchema, {
    op: {
      case: "exec",
      value: {
        meta: {
          args: ["/bin/sh", "-c", command],
          env: ["PATH=/bin"],
          cwd: "/",
          removeMountStubsRecursive: true,
        },
        mounts,
      },
    },
  });

// Read from caches that the BuildKit of Docker 28.5 wrote.
test("records have the digests of BuildKit's", () => {
  expect([
    imageRecord("sha256:bf086534a1d7a84a5937b919b986fd03d5b8c86681b46eced44e500760a4ec51"),
    ROOT_SELECTOR,
    execRecord(exec("echo cacheio1 > /one"), HOST),
    execRecord(exec("echo fin > /fin"), HOST),
  ]).toEqual([
    "sha256:b1af30aa05dcbcf11bdfa6f778a754b353c64ecc39f720df11f6517fc2f480d6",
    "sha256:8a5edab282632443219e051e4ade2d1d5bbc671c781051bf1437897cbdfea0f1",
    "sha256:fae616c4766c8ea8413daed00d295ca5c49ea68358ac039718af4e238e2d0e1a",
    "sha256:882ab6f2f7c17c901f5b3c78335178404f0ac7e91b245f5d13e42658925b35b1",
  ]);
});

test.each<[string, Op]>([
  ["a step with a cache mount", exec("true", [{ dest: "/" }, { dest: "/c", mountType: MountType.CACHE }])],
  ["a step on a root that it can't write", exec("true", [{ dest: "/", readonly: true }])],
  ["what is no step", create(OpSchema, { op: { case: "source", value: { identifier: "local://x" } } })],
])("%s has none", (_, op) => {
  expect(execRecord(op, HOST)).toBeUndefined();
});
