// One line of comma-separated values (RFC 4180), as `--mount`, `--network`, `--gpus` and lists of texts take them.

/** The fields of the first record; messages as Go's encoding/csv has them. */
export function parseCsvLine(text: string): string[] {
  if (text === "") throw new Error("EOF");
  const fields: string[] = [];
  let at = 0;
  for (;;) {
    const [field, next] = text[at] === '"' ? quoted(text, at) : plain(text, at);
    fields.push(field);
    if (text[next] !== ",") return fields;
    at = next + 1;
  }
}

function plain(text: string, from: number): [string, number] {
  const stop = text.slice(from).search(/[,\n]/);
  const end = stop < 0 ? text.length : from + stop;
  const field = text.slice(from, end);
  const quote = field.indexOf('"');
  if (quote >= 0)
    throw new Error(`parse error on line 1, column ${from + quote + 1}: bare " in non-quoted-field`);
  return [field, end];
}

function quoted(text: string, from: number): [string, number] {
  let field = "";
  for (let at = from + 1; at < text.length; at++) {
    if (text[at] !== '"') {
      field += text[at];
      continue;
    }
    if (text[at + 1] === '"') {
      field += '"';
      at++;
      continue;
    }
    const next = at + 1;
    if (next < text.length && text[next] !== "," && text[next] !== "\n") {
      throw new Error(`parse error on line 1, column ${at + 1}: extraneous or missing " in quoted-field`);
    }
    return [field, next];
  }
  throw new Error(
    `parse error on line 1, column ${text.length + 1}: extraneous or missing " in quoted-field`,
  );
}
