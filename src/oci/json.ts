// Documents of images and indexes as bytes: the same one has the same digest as where Go made it.
import { goJson } from "../base/go-json.ts";

/** `indent`: spaces a level. */
export const encodeJson = (value: unknown, indent?: number): Uint8Array =>
  new TextEncoder().encode(goJson(value, indent));
