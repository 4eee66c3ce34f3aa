// What the name server itself answers, from its source; everything else is asked upstream. As libnetwork's resolver does.
import { parseAddress } from "../../linux/ip-address.ts";
import { answer, encodeName, type Question, type RecordData, TYPE } from "./message.ts";
import { addressOfReverse } from "./reverse.ts";
import type { NameSource } from "./types.ts";

/** Docker's, in seconds. */
const TTL = 600;

/** In random order, so that clients that take the first spread over all. */
function shuffle<T>(items: T[]): T[] {
  for (let i = items.length - 1; i > 0; i--) {
    const other = Math.floor(Math.random() * (i + 1));
    [items[i], items[other]] = [items[other] as T, items[i] as T];
  }
  return items;
}

/** @param room bytes that the answer may have; undefined is given for what is to be asked upstream */
export function ownAnswer(
  source: NameSource,
  sandboxId: string,
  question: Question,
  room: number,
): Buffer | undefined {
  const records = question.internet ? recordsFor(source, sandboxId, question) : undefined;
  return records && answer(question, records, TTL, room);
}

function recordsFor(source: NameSource, sandboxId: string, question: Question): RecordData[] | undefined {
  const { name, type } = question;
  if (name === undefined) return undefined;
  switch (type) {
    case TYPE.A:
    case TYPE.AAAA: {
      const addresses = source.addresses(sandboxId, name, type === TYPE.A ? 4 : 6);
      if (addresses) return shuffle(addresses.map(parseAddress));
      // With `ndots` set to something, the client comes again with a domain behind the name: it gets "nothing" now.
      return !name.includes(".") && source.ndotsSet(sandboxId) ? [] : undefined;
    }
    case TYPE.MX: {
      // A container's mail goes to its own address: RFC 5321 section 5.1, the implicit MX.
      const known = ([4, 6] as const).some((family) => source.addresses(sandboxId, name, family)?.length);
      return known ? [] : undefined;
    }
    case TYPE.PTR: {
      const address = addressOfReverse(name);
      const found = address === undefined ? undefined : source.nameOf(sandboxId, address);
      const data = found === undefined ? undefined : encodeName(found);
      return data && [data];
    }
    default:
      return undefined;
  }
}
