// A query or a form's fields, as strict as Go's url.ParseQuery: what moby refuses is refused here.
import { invalid } from "../base/errors.ts";

/** Errors: invalid, for a semicolon as a separator and for a `%` that is no escape. */
export function parseQuery(text: string): URLSearchParams {
  if (/[;%]/.test(text))
    for (const part of text.split("&")) {
      if (part.includes(";")) throw invalid("invalid semicolon separator in query");
      const bad = /%(?![0-9a-f]{2}).{0,2}/is.exec(part);
      if (bad) throw invalid(`invalid URL escape ${JSON.stringify(bad[0])}`);
    }
  return new URLSearchParams(text);
}
