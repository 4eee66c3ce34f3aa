// Runs the benchmarks and prints the table of ARCHITECTURE.md's figures. `--only WORD` takes those whose name has it.
import { parseArgs } from "node:util";
import { BENCHMARKS } from "./benchmarks.ts";
import { findPeer, startBerth } from "./hosts.ts";
import { median } from "./measure.ts";

const { values } = parseArgs({
  options: { only: { type: "string" }, rounds: { type: "string", default: "20" } },
});
const peer = await findPeer();
if (!peer)
  console.log("no Docker daemon answers (BERTH_PEER names its socket): the peer's column stays empty");
await using ours = await startBerth();

console.log(
  `${"what".padEnd(58)} ${"berth".padStart(10)} ${"docker".padStart(10)} ${"ratio".padStart(7)}  bar`,
);
let missed = 0;
for (const benchmark of BENCHMARKS.filter(({ name }) => !values.only || name.includes(values.only))) {
  const sample = await benchmark.run({ ours, peer, rounds: Number(values.rounds) });
  const a = median(sample.ours);
  const b = sample.peer.length > 0 ? median(sample.peer) : undefined;
  const ratio = b === undefined ? undefined : a / b;
  const met =
    benchmark.atMost !== undefined
      ? a <= benchmark.atMost
      : benchmark.atLeastRatio !== undefined
        ? ratio === undefined || ratio >= benchmark.atLeastRatio
        : ratio === undefined || ratio <= (benchmark.atMostRatio ?? 1);
  if (!met) missed += 1;
  const figure = (value: number | undefined) =>
    value === undefined ? "-" : `${value.toFixed(value < 10 ? 2 : 1)} ${benchmark.unit}`;
  console.log(
    `${benchmark.name.padEnd(58)} ${figure(a).padStart(10)} ${figure(b).padStart(10)} ${(ratio?.toFixed(2) ?? "-").padStart(7)}  ${benchmark.bar}${met ? "" : "  MISSED"}`,
  );
}
process.exitCode = missed > 0 ? 1 : 0;
