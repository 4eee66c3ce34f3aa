// A process that pulls one image into a data root, for tests that kill it: `pull-child.ts ROOT REFERENCE`.
import { openImagesRoom } from "../fixtures/images-room.ts";

const [root = "", reference = ""] = process.argv.slice(2);
await using room = await openImagesRoom({}, root);
await room.pull(reference);
process.stdout.write("pulled\n");
