// What a client may ask about a Dockerfile instead of building it: `--call outline|targets|check` (frontend/subrequests).
import { invalid } from "../../../base/errors.ts";
import { goJson } from "../../../base/go-json.ts";
import type { Platform } from "../../../oci/types.ts";
import type { FrontendAnswer } from "../../frontend.ts";
import type { Linter } from "../checks/index.ts";
import { parseInstructions } from "../instructions/index.ts";
import { linterFor, textOf } from "../plan/index.ts";
import { parseDockerfile } from "../syntax/index.ts";
import type { ClientFiles, Entrypoint } from "./context.ts";
import type { Converted, ConvertRequest } from "./convert.ts";
import { lintReport } from "./lint-report.ts";
import { locationOf } from "./location-json.ts";
import type { BuildOptions } from "./options.ts";
import { outlineOf } from "./outline.ts";
import { textTable } from "./text-table.ts";

export type Convert = (platform: Platform | undefined, extra?: Partial<ConvertRequest>) => Promise<Converted>;

const VERSION = "1.0.0";

interface Report {
  readonly json: unknown;
  readonly text: string;
  readonly status?: number;
}

/**
 * The answer to `requestid`; undefined: a build is asked for. `tell` passes warnings on. Errors: invalid, for an unknown
 * request.
 */
export async function answerSubrequest(
  { options, files }: { readonly options: BuildOptions; readonly files: ClientFiles },
  convert: Convert,
  tell: (linter: Linter) => void,
): Promise<FrontendAnswer | undefined> {
  const name = options.raw.get("requestid");
  const text = textOf(files.entrypoint.data);
  switch (name) {
    case undefined:
      return undefined;
    case "frontend.subrequests.describe":
      return answerOf(describe());
    case "frontend.targets":
      return answerOf(targets(text, files.entrypoint));
    case "frontend.outline": {
      const linter = linterFor(text, options.checks);
      try {
        return answerOf(outlineOf(await convert(undefined, { linter }), files.entrypoint));
      } finally {
        tell(linter);
      }
    }
    case "frontend.lint":
      return answerOf(await lint(options, files, convert));
    default:
      throw invalid(`unsupported request ${name}`);
  }
}

function answerOf({ json, text, status }: Report): FrontendAnswer {
  const values: [string, string][] = [
    ["result.json", goJson(json, "  ")],
    ["result.txt", text],
    ["version", VERSION],
  ];
  if (status !== undefined) values.push(["result.statuscode", String(status)]);
  const encoder = new TextEncoder();
  return {
    definitions: new Map(),
    metadata: new Map(values.map(([key, value]) => [key, encoder.encode(value)])),
  };
}

/** Without a target all stages are checked. As in BuildKit for the host's platform, whatever is asked for. */
async function lint(options: BuildOptions, files: ClientFiles, convert: Convert): Promise<Report> {
  let linter: Linter | undefined;
  try {
    linter = linterFor(textOf(files.entrypoint.data), options.checks);
    await convert(undefined, { linter, allStages: options.target === "" });
    return lintReport(files.entrypoint, linter.warnings);
  } catch (thrown) {
    return lintReport(files.entrypoint, linter?.warnings ?? [], thrown);
  }
}

function targets(text: string, { data }: Entrypoint): Report {
  const syntax = parseDockerfile(text);
  const { stages } = parseInstructions(syntax.nodes, syntax.escape);
  const list = stages.map(({ from }, index) => ({
    ...(from.name && { name: from.name }),
    ...(index === stages.length - 1 && { default: true }),
    ...(from.description && { description: from.description }),
    base: from.base,
    ...(from.platform && { platform: from.platform }),
    location: locationOf([from.lines]),
  }));
  const rows = list.map(({ name = "", default: isDefault, description = "" }) => {
    const shown = isDefault ? (name ? `${name} (default)` : "(default)") : name;
    return [shown, description];
  });
  const sources = [Buffer.from(data).toString("base64")];
  return { json: { targets: list, sources }, text: textTable([["TARGET", "DESCRIPTION"], ...rows], 1) };
}

const RESULTS = ["result.json", "result.txt"].map((name) => ({ name, description: "" }));

/** The lint request isn't among them in BuildKit either. */
const REQUESTS = [
  {
    name: "frontend.outline",
    description: "List all parameters current build target supports",
    opts: [{ name: "target", description: "Target build stage" }],
  },
  { name: "frontend.targets", description: "List all targets current build supports", opts: [] },
  { name: "frontend.subrequests.describe", description: "List available subrequest types", opts: null },
].map(({ name, description, opts }) => ({
  name,
  version: VERSION,
  type: "rpc",
  description,
  opts,
  inputs: null,
  metadata: RESULTS,
  refs: null,
}));

function describe(): Report {
  const rows = REQUESTS.map(({ name, version, description }) => [
    name.replace(/^frontend\./, ""),
    version,
    description,
  ]);
  return { json: REQUESTS, text: textTable([["NAME", "VERSION", "DESCRIPTION"], ...rows], 1) };
}
