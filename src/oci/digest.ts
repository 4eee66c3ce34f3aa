// Digests: "algorithm:hex" names of content (OCI image-spec, descriptor.md, section "Digests").

/** A checked "sha256:…" name of some bytes. */
export type Digest = string & { readonly __brand: "Digest" };
/** Digest of a stack of unpacked layers (OCI image-spec, config.md, "Layer ChainID"). */
export type ChainId = string & { readonly __brand: "ChainId" };

const FORM = /^sha256:[a-f0-9]{64}$|^sha512:[a-f0-9]{128}$/;

export const isDigest = (text: string): text is Digest => FORM.test(text);

/** The hex part, as file names use it. */
export const hexOf = (digest: Digest | ChainId): string => digest.slice(digest.indexOf(":") + 1);

export function digestOf(bytes: string | Uint8Array): Digest {
  return `sha256:${new Bun.CryptoHasher("sha256").update(bytes).digest("hex")}` as Digest;
}

/** The chain id of each prefix of a list of diff ids, lowest layer first. */
export function chainIds(diffIds: readonly Digest[]): ChainId[] {
  const chain: ChainId[] = [];
  for (const diff of diffIds) {
    const below = chain.at(-1);
    chain.push((below ? digestOf(`${below} ${diff}`) : diff) as string as ChainId);
  }
  return chain;
}
