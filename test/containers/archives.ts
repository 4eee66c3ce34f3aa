// Archives of containers' files, read entry by entry.
import { type TarEntry, TarReader, toText } from "../../src/archive/index.ts";

export type Found = TarEntry & { content: Buffer };

/** The entries of an archive by their names as text, folders with their slash. */
export async function entriesOf(archive: AsyncIterable<Uint8Array>): Promise<Map<string, Found>> {
  const found: (TarEntry & { parts: Buffer[] })[] = [];
  const reader = new TarReader({
    entry: (entry) => {
      found.push({ ...entry, parts: [] });
    },
    data: (chunk) => {
      found.at(-1)?.parts.push(Buffer.from(chunk));
    },
    end: () => {},
  });
  for await (const chunk of archive) reader.push(Buffer.from(chunk));
  reader.finish();
  return new Map(
    found.map(({ parts, ...entry }) => [toText(entry.name), { ...entry, content: Buffer.concat(parts) }]),
  );
}
