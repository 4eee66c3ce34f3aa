// `buildx bake` from its files to its results.
import { delimiter } from "node:path";
import { goJson } from "../../base/go-json.ts";
import { formatPlatformWithVersion, hostPlatform } from "../../oci/platform.ts";
import { isRemoteAddress } from "../../sdk/index.ts";
import { buildFailure } from "../build-failure.ts";
import { attestationShorthand, parseQuestion } from "../build-options/values.ts";
import { excerpt } from "../build-progress/excerpt.ts";
import { progressMode, type ShownProgress, showBuild } from "../build-progress/show.ts";
import { writeAll } from "../build-progress/write-all.ts";
import { builderName } from "../builder-name.ts";
import type { bakeFlags } from "../commands/buildx/bake.ts";
import type { FlagValues } from "../framework/flags.ts";
import type { Session } from "../session.ts";
import { buildTargets } from "./build.ts";
import { missingRights, parseAllowed, requireRights } from "./entitlements.ts";
import { type BakeFile, parseBakeFiles, readBakeFiles } from "./files.ts";
import { HclError } from "./hcl/failure.ts";
import { listText, parseList } from "./list.ts";
import { checkTarget } from "./order.ts";
import { readingEvent } from "./reading.ts";
import { type Bake, resolveBake } from "./resolve.ts";
import { printed } from "./target.ts";

export type BakeFlags = FlagValues<typeof bakeFlags>;

/** Gives the exit code. Throws CommandFailures in buildx's form. */
export async function runBake(
  session: Session,
  args: string[],
  flags: BakeFlags,
  given: (name: string) => boolean,
): Promise<number> {
  let files: BakeFile[] = [];
  let progress: ShownProgress | undefined;
  const environment = (name: string) => process.env[name];
  try {
    if (flags.print && flags.list) throw new Error("--print and --list are mutually exclusive");
    const [first = ""] = args;
    if (isRemoteAddress(first))
      throw new Error(
        `bake definitions at an address (${first}) are not implemented in Berth: clone it, and bake there`,
      );
    const allowed = parseAllowed(flags.allow);
    const set = [...flags.set, ...shorthands(flags, given)];
    const mode = progressMode(flags.progress, false);
    const onlyLooks = flags.print || flags.list !== "";
    const builder = onlyLooks ? "" : await builderName(session, flags.builder);
    const debug = session.globals.debug;
    const show = () => showBuild({ mode, builder, debug, isPast: onlyLooks });
    progress = await show();
    files = await readBakeFiles(namedFiles(flags.file), () => Bun.stdin.text());
    if (files.length === 0) throw new Error("couldn't find a bake definition");
    progress.event(readingEvent(files));
    const builtIn = {
      BAKE_CMD_CONTEXT: "cwd://",
      BAKE_LOCAL_PLATFORM: formatPlatformWithVersion(hostPlatform()),
    };
    const parsed = parseBakeFiles(files, builtIn, environment);
    if (flags.list) {
      progress.end();
      await session.out.write(listText(parseList(flags.list), parsed));
      return 0;
    }
    const wanted = args.length > 0 ? args : ["default"];
    const bake = resolveBake(parsed, wanted, set, environment);
    if (flags.print) {
      for (const target of bake.targets.values()) await checkTarget(target);
      progress.end();
      await session.out.write(`${goJson(definitionOf(bake), 2).trimEnd()}\n`);
      return 0;
    }
    const missing = missingRights([...bake.targets.values()], allowed);
    if (missing) {
      progress.end();
      await requireRights(missing, session.program, session.err);
      progress = await show();
    }
    const question = parseQuestion(flags.call);
    const shown = progress;
    progress = undefined;
    return await buildTargets({ session, bake, flags, question, progress: shown, mode, builder });
  } catch (thrown) {
    progress?.end();
    if (thrown instanceof HclError) showPlace(thrown, files);
    throw buildFailure(thrown);
  }
}

/** What flags say in short is said of all targets. */
function shorthands(flags: BakeFlags, given: (name: string) => boolean): string[] {
  const question = parseQuestion(flags.call);
  const attests = [
    attestationShorthand("sbom", flags.sbom),
    attestationShorthand("provenance", flags.provenance),
  ].filter((text) => text !== undefined);
  return [
    ...(flags.push ? ["*.push=true"] : []),
    ...(flags.load ? ["*.load=true"] : []),
    ...(question ? [`*.call=${question.name}`] : []),
    ...(given("no-cache") ? [`*.no-cache=${flags["no-cache"]}`] : []),
    ...(given("pull") ? [`*.pull=${flags.pull}`] : []),
    ...attests.map((text) => `*.attest=${text}`),
  ];
}

function namedFiles(flags: string[]): string[] {
  const { BUILDX_BAKE_FILE: preset, BUILDX_BAKE_PATH_SEPARATOR: separator = delimiter } = process.env;
  return flags.length > 0 || !preset ? flags : preset.split(separator).filter(Boolean);
}

/** What is printed of a bake: groups and targets by name, in order. */
export function definitionOf({ groups, targets }: Bake): object {
  const byName = <T, U>(map: Map<string, T>, of: (value: T) => U) =>
    Object.fromEntries(
      [...map].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, value]) => [name, of(value)]),
    );
  return {
    group: byName(groups, ({ description, targets: names }) => ({
      ...(description && { description }),
      targets: names,
    })),
    target: byName(targets, printed),
  };
}

function showPlace({ range }: HclError, files: BakeFile[]): void {
  const text = files.find(({ name }) => name === range.file)?.text;
  if (text === undefined) return;
  const ranges = [{ start: range.start.line, end: range.end.line }];
  writeAll(2, excerpt({ file: range.file, text, ranges }));
}
