// Addresses as they may be shown: whoever reads a log or an image has no business with what is in front of a host's name.

/** The address with its user and password masked, as BuildKit shows it. */
export function withoutCredentials(text: string): string {
  return text.replace(
    /^([a-z][a-z0-9+.-]*:\/\/)([^/@:]*)(:[^/@]*)?@/i,
    (_, scheme: string, user: string, password?: string) =>
      `${scheme}${user && "xxxxx"}${password === undefined ? "" : ":xxxxx"}@`,
  );
}

/** A text in which addresses may stand anywhere, as a program's output. */
export const withoutCredentialsIn = (text: string): string =>
  text.replace(/[a-z][a-z0-9+.-]*:\/\/[^\s'"]+/gi, withoutCredentials);
