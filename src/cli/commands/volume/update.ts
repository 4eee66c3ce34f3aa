// `volume update`: for volumes of a Swarm, which Berth has not; says so as Docker's client does.
import { command } from "../../framework/command.ts";
import { fail } from "../../framework/failure.ts";
import { flag } from "../../framework/flags.ts";

export default command({
  synopsis: "[OPTIONS] [VOLUME]",
  about: "Update a volume (cluster volumes only)",
  args: { exactly: 1 },
  since: "1.42",
  flags: {
    availability: flag.string('Cluster Volume availability ("active", "pause", "drain")', {
      default: "active",
      since: "1.42",
    }),
  },
  async run(session, { args: [name = ""], flags, given }) {
    const { volumes } = await session.client();
    const { ClusterVolume } = await volumes.inspect(name);
    if (!ClusterVolume?.Spec) throw fail("can only update cluster volumes");
    const { Spec, Version } = ClusterVolume;
    const availability = flags.availability as "active" | "pause" | "drain";
    const spec = given("availability")
      ? { ...Spec, AccessMode: { ...Spec.AccessMode, Availability: availability } }
      : Spec;
    await volumes.update(name, Version?.Index ?? 0, { Spec: spec });
  },
});
