// What changed with API versions for images.
import { parseFilters } from "../filters.ts";
import type { ImageInspect, ImageSummary } from "../types/index.ts";
import type { Change, VersionedRequest } from "../versions.ts";

const drop =
  (...names: string[]) =>
  ({ query }: VersionedRequest) => {
    for (const name of names) query.delete(name);
  };
const summaries = (change: (image: ImageSummary) => unknown) => (answer: unknown) =>
  (answer as ImageSummary[]).map(change);

/** Fields of Config that an image has not, which were shown empty before 1.50. */
const EMPTY_CONFIG = {
  AttachStderr: false,
  AttachStdin: false,
  AttachStdout: false,
  Domainname: "",
  Hostname: "",
  Image: "",
  OpenStdin: false,
  StdinOnce: false,
  Tty: false,
};

export const IMAGE_CHANGES: readonly Change[] = [
  {
    since: 32,
    operations: ["ImageCreate"],
    what: "`platform`; older: ignored",
    olderRequest: drop("platform"),
  },
  {
    since: 41,
    operations: ["ImageList"],
    what: "`filter` is gone; older: a pattern for the reference",
    olderRequest({ query }) {
      const pattern = query.get("filter");
      if (!pattern) return;
      const filters = parseFilters(query.get("filters"));
      query.set(
        "filters",
        JSON.stringify({ ...filters, reference: [...(filters.reference ?? []), pattern] }),
      );
    },
    newerRequest: drop("filter"),
  },
  {
    since: 42,
    operations: ["ImageList"],
    what: "`shared-size`; older: ignored",
    olderRequest: drop("shared-size"),
  },
  {
    since: 43,
    operations: ["ImageList"],
    what: "no names are empty lists; older: <none>:<none> and <none>@<none>",
    olderAnswer: summaries((image) =>
      image.RepoTags.length === 0 && image.RepoDigests.length === 0
        ? { ...image, RepoTags: ["<none>:<none>"], RepoDigests: ["<none>@<none>"] }
        : image,
    ),
  },
  {
    since: 44,
    operations: ["ImageList"],
    what: "VirtualSize is gone; older: as Size",
    olderAnswer: summaries((image) => ({ ...image, VirtualSize: image.Size })),
  },
  {
    since: 44,
    operations: ["ImageInspect"],
    what: "VirtualSize is gone; older: as Size",
    olderAnswer: (answer) => ({ ...(answer as ImageInspect), VirtualSize: (answer as ImageInspect).Size }),
  },
  {
    since: 44,
    operations: ["ImageInspect"],
    what: "Created is left out where the image has none; older: the year 1",
    olderAnswer: (answer) => {
      const image = answer as ImageInspect;
      return image.Created ? image : { ...image, Created: "0001-01-01T00:00:00Z" };
    },
  },
  {
    since: 46,
    operations: ["ImagePush"],
    what: "`platform`; older: ignored",
    olderRequest: drop("platform"),
  },
  {
    since: 47,
    operations: ["ImageList"],
    what: "`manifests`; older: ignored",
    olderRequest: drop("manifests"),
  },
  {
    since: 48,
    operations: ["ImageInspect"],
    what: "`manifests`; older: ignored",
    olderRequest: drop("manifests"),
  },
  {
    since: 48,
    operations: ["ImageHistory", "ImageLoad", "ImageGet", "ImageGetAll"],
    what: "`platform`; older: ignored",
    olderRequest: drop("platform"),
  },
  {
    since: 48,
    operations: ["ImageList"],
    what: "Descriptor; older: left out",
    olderAnswer: summaries(({ Descriptor: _, ...image }) => image),
  },
  {
    since: 48,
    operations: ["ImageInspect"],
    what: "Descriptor; older: left out",
    olderAnswer(answer) {
      const { Descriptor: _, ...image } = answer as ImageInspect;
      return image;
    },
  },
  {
    since: 49,
    operations: ["ImageInspect"],
    what: "`platform`; older: ignored",
    olderRequest: drop("platform"),
  },
  {
    since: 50,
    operations: ["ImageDelete"],
    what: "`platforms`; older: ignored",
    olderRequest: drop("platforms"),
  },
  {
    since: 50,
    operations: ["ImageInspect"],
    what: "Config has only what an image has; older: a container's fields too, empty",
    olderAnswer(answer) {
      const image = answer as ImageInspect;
      return { ...image, Config: { ...EMPTY_CONFIG, ...image.Config } };
    },
  },
  {
    since: 51,
    operations: ["ImageList"],
    what: "Containers counts the containers of the image; older: -1",
    olderAnswer: summaries((image) => ({ ...image, Containers: -1 })),
  },
];
