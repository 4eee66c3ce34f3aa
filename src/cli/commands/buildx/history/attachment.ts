// `buildx history inspect attachment`: a statement about a build, or a part of its image, as it is.
import { buildFailure } from "../../../build-failure.ts";
import { attachmentsOf } from "../../../build-history/attachments.ts";
import { atMost, oneRecord } from "../../../build-history/records.ts";
import { builderFlags } from "../../../build-options/builder-flags.ts";
import { builderName } from "../../../builder-name.ts";
import { command } from "../../../framework/command.ts";
import { flag } from "../../../framework/flags.ts";
import type { Session } from "../../../session.ts";

/** Short names of types. */
const TYPES: Record<string, string[]> = {
  index: ["application/vnd.oci.image.index.v1+json"],
  manifest: ["application/vnd.oci.image.manifest.v1+json"],
  image: ["application/vnd.oci.image.config.v1+json"],
  provenance: ["https://slsa.dev/provenance/v1", "https://slsa.dev/provenance/v0.2"],
  sbom: ["https://spdx.dev/Document"],
};

const DIGEST = /^[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[a-zA-Z0-9=_-]+$/;

export default command({
  synopsis: "[OPTIONS] [REF [DIGEST]]",
  about: "Inspect a build record attachment",
  args: "any",
  errorsBeginWith: "ERROR: ",
  flags: {
    ...builderFlags,
    platform: flag.string("Platform of attachment"),
    type: flag.string("Type of attachment"),
  },
  async run(session, { args, flags }) {
    try {
      atMost(2, args);
      const [ref = "", digest = ""] = args;
      if (digest && !DIGEST.test(digest))
        throw new Error(`invalid digest ${JSON.stringify(digest)}: invalid checksum digest format`);
      if (!digest && !flags.platform && !flags.type)
        throw new Error("at least one of --type, --platform or DIGEST must be specified");
      await builderName(session, flags.builder);
      const chosen = await chooseBlob(session, ref, digest, flags);
      await session.out.write(await (await session.client()).builder.blob(chosen));
    } catch (thrown) {
      throw buildFailure(thrown);
    }
  },
});

async function chooseBlob(
  session: Session,
  ref: string,
  digest: string,
  { platform, type }: { platform: string; type: string },
): Promise<string> {
  const record = await oneRecord(session, ref);
  if (digest) return digest;
  const types = TYPES[type] ?? [type];
  const found = (await attachmentsOf(await session.client(), record)).find(
    (one) => (!platform || one.platform === platform) && (!type || types.includes(one.type)),
  );
  if (!found) throw new Error(`no matching attachment found for ref ${JSON.stringify(ref)}`);
  return found.blob.digest;
}
