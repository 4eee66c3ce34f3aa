import { expect, test } from "bun:test";
import { create } from "@bufbuild/protobuf";
import { MountType, type Op, OpSchema } from "../../../buildkit/messages/ops_pb.ts";
import type { ChainId, Digest } from "../../../oci/digest.ts";
import { execRecord, imageRecords, ROOT_SELECTOR } from "./buildkit-keys.ts";

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
    ...imageRecords({
      root: "sha256:ef5132ec87dc715d3cf7280c9fae0cd666a388db85a1c4fbf934f0c4b91a4e5a" as Digest,
      platform: HOST,
      chain: "sha256:757692af83a47e431c3b6a36eac571f8e2110c3b95be4f0ca0cf22aa3ef7dddd" as ChainId,
      limit: undefined,
    }),
    ROOT_SELECTOR,
    execRecord(exec("echo cacheio1 > /one"), HOST),
    execRecord(exec("echo fin > /fin"), HOST),
  ]).toEqual([
    "sha256:cd38db8624cdfa10a51cc3e29df45afb686c9374e27c7f2b7005e428b6c83f92",
    "sha256:b5e6b7935af2a3a4779c38e5f92bb320a175d773b58bafcab4cc455bce8e024f",
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
