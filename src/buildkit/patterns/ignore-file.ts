// The lines of a .dockerignore file as patterns (moby/patternmatcher/ignorefile).
import { invalid } from "../../base/errors.ts";
import { cleanPath, trimSpace } from "./go-path.ts";

/** Go's bufio.Scanner takes no longer line, its end included. */
const LINE_LIMIT = 64 << 10;

/**
 * Patterns in their order: comments (`#` in the first column) and empty lines left out, each one cleaned, without its
 * leading slash, `!` kept in front. Errors: invalid for a line of 64 KiB, in Docker's words.
 */
export function readIgnoreFile(text: string): string[] {
  const patterns: string[] = [];
  const lines = text.replace(/^\ufeff/, "").split("\n");
  for (const line of lines) {
    if (line.length >= LINE_LIMIT || (line.length > LINE_LIMIT / 4 && Buffer.byteLength(line) >= LINE_LIMIT))
      throw invalid("bufio.Scanner: token too long");
    if (line.startsWith("#")) continue;
    const trimmed = trimSpace(line);
    if (trimmed === "") continue;
    const inverted = trimmed.startsWith("!");
    const pattern = rootless(inverted ? trimSpace(trimmed.slice(1)) : trimmed);
    patterns.push(inverted ? `!${pattern}` : pattern);
  }
  return patterns;
}

function rootless(pattern: string): string {
  if (pattern === "") return "";
  const clean = cleanPath(pattern);
  return clean.length > 1 && clean.startsWith("/") ? clean.slice(1) : clean;
}
