// `--output`: what becomes of a build's result, and where it goes.

import { createWriteStream, mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { fileErrorText } from "../../base/file-error.ts";
import { goBoolean } from "../../base/go-boolean.ts";
import type { ArchiveSink, BuildOutput } from "../../sdk/index.ts";
import { isTerminal } from "../output.ts";
import { keyValues } from "./csv-keys.ts";

export interface OutputOption {
  type: string;
  destination: string;
  attributes: Record<string, string>;
}

/** `type=…`, a folder, or `-` for an archive on standard output (docker/buildx util/buildflags/export.go). */
export function parseOutput(text: string): OutputOption {
  if (!text.startsWith("type=") && !/[",]/.test(text)) {
    return { type: text === "-" ? "tar" : "local", destination: text, attributes: {} };
  }
  const output: OutputOption = { type: "", destination: "", attributes: {} };
  for (const [name, value] of keyValues(text)) {
    const key = name.toLowerCase().trim();
    if (key === "type") output.type = value;
    else if (key === "dest") output.destination = value;
    else output.attributes[key] = value;
  }
  if (!output.type) throw new Error("type is required for output");
  return output;
}

const ARCHIVES = new Set(["tar", "oci", "docker"]);

/** Looks at the destinations. Throws for one that can't be, and for two on standard output. */
export function outputsOf(options: OutputOption[]): BuildOutput[] {
  let toStandardOutput = false;
  return options.map(({ type, destination, attributes }) => {
    if (type === "registry") return { type: "image", attributes: { ...attributes, push: "true" } };
    const asFolder =
      type === "local" ||
      ((type === "oci" || type === "docker") && goBoolean(attributes.tar ?? "") === false);
    if (asFolder) return { type, attributes, folder: checkedFolder(type, destination) };
    if (!ARCHIVES.has(type)) return { type, attributes };
    if (!destination && type === "docker") return { type, attributes };
    if (destination && destination !== "-") return { type, attributes, file: fileSink(destination) };
    if (toStandardOutput) throw new Error("multiple outputs configured to write to stdout");
    if (isTerminal(1))
      throw new Error(`dest file is required for ${type} exporter. refusing to write to console`);
    toStandardOutput = true;
    return { type, attributes, file: standardOutput };
  });
}

const found = (path: string) => statSync(path, { throwIfNoEntry: false });

function checkedFolder(type: string, path: string): string {
  if (!path) throw new Error(`dest is required for ${type} exporter`);
  if (path === "-") throw new Error(`dest cannot be stdout for ${type} exporter`);
  if (found(path)?.isDirectory() === false) throw new Error(`destination directory ${path} is a file`);
  return path;
}

/** The file is made when its first byte comes: a failed build leaves the one before. */
function fileSink(path: string): () => ArchiveSink {
  if (found(path)?.isDirectory()) throw new Error(`destination file ${path} is a directory`);
  return () => {
    let stream: ReturnType<typeof createWriteStream> | undefined;
    let failure: Error | undefined;
    return {
      async write(chunk) {
        if (!stream) {
          mkdirSync(dirname(path), { recursive: true });
          stream = createWriteStream(path);
          stream.on("error", (error) => {
            failure = new Error(fileErrorText(error), { cause: error });
          });
        }
        const file = stream;
        await new Promise<void>((resolve, reject) =>
          file.write(chunk, (error) => (error ? reject(new Error(fileErrorText(error))) : resolve())),
        );
      },
      async close() {
        const file = stream;
        if (file) await new Promise<void>((resolve) => file.end(() => resolve()));
        if (failure) throw failure;
      },
    };
  };
}

function standardOutput(): ArchiveSink {
  const sink = Bun.file(1).writer();
  return {
    async write(chunk) {
      sink.write(chunk);
      await sink.flush();
    },
    close: async () => {
      await sink.flush();
    },
  };
}

/** What `--push` and `--load` add to the outputs. */
export function withShorthands(outputs: BuildOutput[], push: boolean, load: boolean): BuildOutput[] {
  const all = [...outputs];
  if (push) {
    const images = all.filter(({ type }) => type === "image");
    for (const image of images) image.attributes.push = "true";
    if (images.length === 0) all.push({ type: "image", attributes: { push: "true" } });
  }
  if (load && !all.some(({ type, file, folder }) => type === "docker" && !file && !folder))
    all.push({ type: "docker", attributes: {} });
  return all;
}
