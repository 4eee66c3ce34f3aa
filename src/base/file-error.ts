// What a failed call on a file says, in the form that Go's programs print and people know.

/** Bun's and Node's `ENOENT: no such file or directory, open '/a'` as `open /a: no such file or directory`; other errors' own message. */
export function fileErrorText(thrown: unknown): string {
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  const found = /^(?:E[A-Z0-9]+: )+(.+?), ([a-z]+) '(.*)'$/s.exec(message);
  return found ? `${found[2]} ${found[3]}: ${found[1]}` : message;
}
