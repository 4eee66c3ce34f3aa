import { expect, test } from "bun:test";
import { problemsOf } from "./room-rules.ts";

const BAD: [what: string, path: string, text: string, problem: RegExp][] = [
  [
    "a client that knows the engine",
    "src/cli/x.ts",
    'import { a } from "../engine/index.ts"; a();',
    /cli\/ may not import/,
  ],
  ["for its side effects", "src/cli/x.ts", 'import "../engine/index.ts";', /cli\/ may not import/],
  ["by a template text", "src/cli/x.ts", "await import(`../engine/index.ts`);", /cli\/ may not import/],
  [
    "for its types",
    "src/cli/x.ts",
    'import type { Engine } from "../engine/types.ts";',
    /cli\/ may not import/,
  ],
  ["by passing it on", "src/sdk/x.ts", 'export { a } from "../store/index.ts";', /sdk\/ may not import/],
  [
    "a sibling",
    "src/images/x.ts",
    'import { a } from "../networks/index.ts"; a();',
    /images\/ may not import/,
  ],
  [
    "a room above",
    "src/store/x.ts",
    'import { a } from "../engine/index.ts"; a();',
    /store\/ may not import/,
  ],
  [
    "past the door",
    "src/engine/x.ts",
    'import { a } from "../store/schema.ts"; a();',
    /through its index\.ts/,
  ],
  ["FFI outside of linux/", "src/engine/x.ts", 'import { dlopen } from "bun:ffi"; dlopen();', /FFI/],
  ["FFI behind a remark", "src/engine/x.ts", 'import {\n // "x"\n dlopen } from "bun:ffi"; dlopen();', /FFI/],
  ["FFI by require", "src/engine/x.ts", 'require("bun:ffi");', /FFI/],
  ["FFI by import()", "src/engine/x.ts", 'await import(/* c */ "bun:ffi");', /FFI/],
  ["FFI in main.ts", "src/main.ts", 'import { dlopen } from "bun:ffi"; dlopen();', /FFI/],
  ["main.ts past a role's door", "src/main.ts", 'await import("./engine/start.ts");', /roles' doors/],
  [
    "a name that is worked out",
    "src/cli/x.ts",
    'await import("../" + process.argv[2] + "/index.ts");',
    /literal/,
  ],
  [
    "a runtime by Bun",
    "src/engine/x.ts",
    'const path = "/usr/bin/crun"; Bun.spawn([path]);',
    /start a process/,
  ],
  [
    "a runtime by Node",
    "src/engine/x.ts",
    'import { spawnSync } from "node:child_process"; spawnSync("runc");',
    /start a process/,
  ],
  ["a shell", "src/engine/x.ts", "await Bun.$`crun list`;", /start a process/],
  ["a room that isn't one", "src/utils/x.ts", "export const a = 1;", /no room/],
];

for (const [what, path, text, problem] of BAD)
  test(`refused: ${what}`, () => expect(problemsOf(path, text).join("\n")).toMatch(problem));

const GOOD: [what: string, path: string, text: string][] = [
  ["the room below", "src/engine/x.ts", 'import { a } from "../store/index.ts"; a();'],
  [
    "the wire's vocabulary",
    "src/networks/x.ts",
    'import type { A } from "../api/types/index.ts"; export const a: A = 1;',
  ],
  [
    "a sibling's types",
    "src/containers/x.ts",
    'import type { A } from "../volumes/types.ts"; export const a: A = 1;',
  ],
  ["a role's door", "src/main.ts", 'const { main } = await import("./cli/index.ts"); main();'],
  ["a runtime from its room", "src/runtime/x.ts", 'Bun.spawn(["crun"]);'],
  ["a word in a text", "src/engine/x.ts", 'export const text = "Bun.spawn is not called here";'],
];

for (const [what, path, text] of GOOD)
  test(`allowed: ${what}`, () => expect(problemsOf(path, text)).toEqual([]));
