import { expect, test } from "bun:test";
import { conflict } from "../base/errors.ts";
import { classifyStartError } from "./start-error.ts";

const RUNC = "failed to create task for container: OCI runtime create failed: runc create failed: ";
const CASES: [string, number, string][] = [
  [`${RUNC}exec: "nope": executable file not found in $PATH`, 127, "invalid"],
  [`${RUNC}exec: "/nope": stat /nope: no such file or directory`, 127, "invalid"],
  [`${RUNC}exec: "/etc/passwd": permission denied`, 126, "invalid"],
  [`${RUNC}error mounting "/a" to rootfs at "/b": not a directory`, 127, "invalid"],
  ["driver failed programming external connectivity: address already in use", 128, "system"],
];
test.each(CASES)("%s: %d", (message, exitCode, kind) => {
  const found = classifyStartError(new Error(message));
  expect(found.exitCode).toBe(exitCode);
  expect(found.error.kind).toBe(kind as typeof found.error.kind);
  expect(found.error.message).toStartWith(message);
});

test("a folder as a command is said to be refused, since clients look for that", () => {
  const { exitCode, error } = classifyStartError(new Error(`${RUNC}exec: "/etc": is a directory`));
  expect(exitCode).toBe(126);
  expect(error.message).toEndWith("is a directory: permission denied");
});

test("an error of ours keeps its kind", () => {
  expect(classifyStartError(conflict("port is already allocated")).error.kind).toBe("conflict");
});
