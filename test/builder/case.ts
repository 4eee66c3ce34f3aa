// A builder's case: a folder under cases/ with a Dockerfile, what it is built with (case.json), and what Docker's
// BuildKit made of it when it was recorded (expected.json).
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Expected } from "./expected-form.ts";
import type { PreparedFile } from "./prepare.ts";

export interface Case {
  /** What the case shows, in one line. */
  shows: string;
  options: CaseOptions;
  /** What git can't hold, or holds as the checkout likes: made in the copy that is built. */
  prepare: PreparedFile[];
  /** The files' and the image's times are part of what is expected. */
  times: boolean;
  /** Recorded with BuildKit's current stable frontend, since the one in the recorded Docker doesn't know it yet. */
  currentFrontend: boolean;
  /** Fields of expected.json in which Berth differs on purpose. */
  differences: Difference[];
}

export interface Difference {
  /** A field of `Expected`; of its image with a dot, as in `image.history`. */
  field: string;
  /** What Berth's is instead; absent: the field is. */
  ours?: unknown;
  reason: string;
}

/** `docker build`'s options. In every value `SITE_ADDRESS` stands for the address of the test's HTTP server. */
export interface CaseOptions {
  /** The context: a folder or an address; "." (the case's files) when absent. "tar": those packed, on standard
   * input. "none": the Dockerfile alone, on standard input. */
  context?: string;
  /** --file; "-": the Dockerfile on standard input. */
  file?: string;
  target?: string;
  platforms?: string[];
  buildArgs?: string[];
  labels?: string[];
  annotations?: string[];
  /** By id: the secret's text, the variable that holds it, or a file that may be missing. */
  secrets?: Record<string, { text: string } | { env: string } | { file: string }>;
  /** --build-context: folders are relative to the case's files. */
  contexts?: Record<string, string>;
  /** Variables of the client's environment. */
  environment?: Record<string, string>;
  network?: string;
  addHosts?: string[];
  shmSize?: string;
  ulimits?: string[];
  allow?: string[];
  /** --call: what it prints is expected instead of an image. */
  call?: string;
  /** What is made of the result; "oci" when absent. More of the exporter's attributes after a comma. */
  output?: string;
}

export const CASES = join(import.meta.dir, "cases");

export const caseNames = (): string[] => readdirSync(CASES).sort();

/** A case as its case.json says, with what that leaves out. */
export function readCase(name: string): Case {
  const written = JSON.parse(readFileSync(join(CASES, name, "case.json"), "utf8")) as Partial<Case>;
  return {
    shows: "",
    options: {},
    prepare: [],
    times: false,
    currentFrontend: false,
    differences: [],
    ...written,
  };
}

export function readExpected(name: string): Expected | undefined {
  const path = join(CASES, name, "expected.json");
  return existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as Expected) : undefined;
}
