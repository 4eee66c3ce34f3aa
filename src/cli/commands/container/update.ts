// `update`: other limits and another restart policy for containers that are there.

import { CONTAINER_FLAGS } from "../../container-options/flags.ts";
import { restartPolicy } from "../../container-options/spec.ts";
import { describe } from "../../describe.ts";
import { command } from "../../framework/command.ts";
import { CommandFailure, fail } from "../../framework/failure.ts";
import { flag } from "../../framework/flags.ts";

const { memory, cpus } = CONTAINER_FLAGS;

export default command({
  synopsis: "[OPTIONS] CONTAINER [CONTAINER...]",
  about: "Update configuration of one or more containers",
  aliases: ["container update", "update"],
  args: { atLeast: 1 },
  flags: {
    "blkio-weight": CONTAINER_FLAGS["blkio-weight"],
    "cpu-period": CONTAINER_FLAGS["cpu-period"],
    "cpu-quota": CONTAINER_FLAGS["cpu-quota"],
    "cpu-rt-period": flag.int("Limit the CPU real-time period in microseconds", { since: "1.25" }),
    "cpu-rt-runtime": flag.int("Limit the CPU real-time runtime in microseconds", { since: "1.25" }),
    "cpu-shares": CONTAINER_FLAGS["cpu-shares"],
    cpus: { ...cpus, since: "1.29" },
    "cpuset-cpus": CONTAINER_FLAGS["cpuset-cpus"],
    "cpuset-mems": CONTAINER_FLAGS["cpuset-mems"],
    "kernel-memory": {
      ...CONTAINER_FLAGS["kernel-memory"],
      usage: "Kernel memory limit (deprecated)",
      hidden: true,
    },
    memory,
    "memory-reservation": CONTAINER_FLAGS["memory-reservation"],
    "memory-swap": {
      ...CONTAINER_FLAGS["memory-swap"],
      usage: "Swap limit equal to memory plus swap: -1 to enable unlimited swap",
    },
    "pids-limit": flag.int("Tune container pids limit (set -1 for unlimited)", { since: "1.40" }),
    restart: flag.string("Restart policy to apply when a container exits"),
  },
  async run(session, { args, flags, given }) {
    if (!Object.keys(flags).some((name) => given(name as keyof typeof flags)))
      throw fail("you must provide one or more flags when using this command");
    const changes = {
      BlkioWeight: flags["blkio-weight"],
      CpusetCpus: flags["cpuset-cpus"],
      CpusetMems: flags["cpuset-mems"],
      CpuShares: flags["cpu-shares"],
      Memory: flags.memory,
      MemoryReservation: flags["memory-reservation"],
      MemorySwap: flags["memory-swap"],
      CpuPeriod: flags["cpu-period"],
      CpuQuota: flags["cpu-quota"],
      CpuRealtimePeriod: flags["cpu-rt-period"],
      CpuRealtimeRuntime: flags["cpu-rt-runtime"],
      NanoCpus: flags.cpus,
      ...(flags["pids-limit"] !== 0 && { PidsLimit: flags["pids-limit"] }),
      RestartPolicy: policy(flags.restart),
    };
    const client = await session.client();
    const warnings: string[] = [];
    const problems: string[] = [];
    for (const name of args) {
      try {
        warnings.push(...((await client.containers.update(name, changes)).Warnings ?? []));
        await session.out.line(name);
      } catch (thrown) {
        problems.push(describe(thrown));
      }
    }
    if (warnings.length > 0) await session.out.line(warnings.join("\n"));
    if (problems.length > 0) throw new CommandFailure(problems.join("\n"));
  },
});

function policy(text: string) {
  try {
    return restartPolicy(text);
  } catch (thrown) {
    throw fail(describe(thrown));
  }
}
