// `buildx inspect`: the one builder of the current daemon, and what it removes from its cache by itself.
import type { BuilderWorker } from "../../../sdk/index.ts";
import { buildFailure } from "../../build-failure.ts";
import { builderFlags } from "../../build-options/builder-flags.ts";
import { builderName } from "../../builder-name.ts";
import { alignTabs } from "../../format/tab-writer.ts";
import { binarySize } from "../../format/units.ts";
import { command } from "../../framework/command.ts";
import { flag } from "../../framework/flags.ts";

export default command({
  synopsis: "[NAME]",
  about: "Inspect current builder instance",
  args: { atMost: 1 },
  errorsBeginWith: "ERROR: ",
  flags: {
    ...builderFlags,
    bootstrap: flag.bool("Ensure builder has booted before inspecting"),
  },
  async run(session, { args: [given = ""], flags }) {
    try {
      const name = await builderName(session, given || flags.builder);
      const workers = await (await session.client()).builder.workers();
      const lines = [
        `Name:\t${name}`,
        "Driver:\tdocker",
        "",
        "Nodes:",
        ...workers.flatMap((one) => nodeLines(name, one)),
      ];
      await session.out.write(alignTabs(`${lines.join("\n")}\n`, { minWidth: 0, padding: 1 }));
    } catch (thrown) {
      throw buildFailure(thrown);
    }
  },
});

function nodeLines(name: string, { version, platforms, labels, policies }: BuilderWorker): string[] {
  const lines = [`Name:\t${name}`, `Endpoint:\t${name}`, "Status:\trunning"];
  if (version) lines.push(`BuildKit version:\t${version}`);
  if (platforms.length > 0) lines.push(`Platforms:\t${platforms.join(", ")}`);
  const keys = Object.keys(labels).sort();
  if (keys.length > 0) lines.push("Labels:", ...keys.map((key) => `\t${key}:\t${labels[key]}`));
  for (const [index, policy] of policies.entries()) {
    lines.push(`GC Policy rule#${index}:`, `\tAll:\t${policy.all}`);
    if (policy.filters.length > 0) lines.push(`\tFilters:\t${policy.filters.join(" ")}`);
    if (policy.keepDuration > 0) lines.push(`\tKeep Duration:\t${wholeHours(policy.keepDuration)}`);
    if (policy.reservedSpace > 0) lines.push(`\tReserved Space:\t${binarySize(policy.reservedSpace)}`);
    if (policy.maxUsedSpace > 0) lines.push(`\tMax Used Space:\t${binarySize(policy.maxUsedSpace)}`);
    if (policy.minFreeSpace > 0) lines.push(`\tMin Free Space:\t${binarySize(policy.minFreeSpace)}`);
  }
  return lines;
}

/** `48h0m0s`, as Go prints a duration of whole seconds. */
function wholeHours(nanoseconds: number): string {
  const seconds = Math.floor(nanoseconds / 1e9);
  return `${Math.floor(seconds / 3600)}h${Math.floor(seconds / 60) % 60}m${seconds % 60}s`;
}
