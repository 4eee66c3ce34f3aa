// The functions that bake files may call (docker/buildx docs/bake-stdlib.md). Not here: bcrypt, rsadecrypt, the cidr family, uuidv5.
import type { HclFunction } from "../evaluate.ts";
import { collections } from "./collections.ts";
import { encodings } from "./encodings.ts";
import { numbers } from "./numbers.ts";
import { texts } from "./texts.ts";

export const FUNCTIONS: ReadonlyMap<string, HclFunction> = new Map(
  Object.entries({ ...collections, ...encodings, ...numbers, ...texts }),
);
