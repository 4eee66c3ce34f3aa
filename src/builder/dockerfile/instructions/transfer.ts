// COPY and ADD: flags, sources, destination, and files whose content stands in the Dockerfile.
import { invalid } from "../../../base/errors.ts";
import { hereDocumentText, type InstructionNode, parseHereDocumentMark } from "../syntax/index.ts";
import { readFlags } from "./flags.ts";
import type { AddInstruction, CopyInstruction, SourceDocument, Sources, Written } from "./types.ts";

const SHARED = { chown: "value", chmod: "value", link: "switch", exclude: "list" } as const;

/** Errors: invalid. */
export function parseCopy(node: InstructionNode, written: Written): CopyInstruction {
  requireDestination(node, "COPY");
  const flags = readFlags(node.flags, { ...SHARED, from: "value", parents: "switch" });
  return {
    ...written,
    kind: "copy",
    sources: sourcesOf(node, "COPY"),
    from: flags.value("from"),
    chown: flags.value("chown"),
    chmod: flags.value("chmod"),
    link: flags.switch("link") ?? false,
    parents: flags.switch("parents") ?? false,
    exclude: flags.list("exclude"),
  };
}

/** Errors: invalid. */
export function parseAdd(node: InstructionNode, written: Written): AddInstruction {
  requireDestination(node, "ADD");
  const flags = readFlags(node.flags, {
    ...SHARED,
    "keep-git-dir": "switch",
    checksum: "value",
    unpack: "switch",
  });
  return {
    ...written,
    kind: "add",
    sources: sourcesOf(node, "ADD"),
    chown: flags.value("chown"),
    chmod: flags.value("chmod"),
    link: flags.switch("link") ?? false,
    exclude: flags.list("exclude"),
    checksum: flags.value("checksum"),
    keepGitDir: flags.switch("keep-git-dir"),
    unpack: flags.switch("unpack"),
  };
}

function requireDestination(node: InstructionNode, keyword: string): void {
  if (node.args.length < 2)
    throw invalid(
      `${keyword} requires at least two arguments, but only one was provided. Destination could not be determined`,
    );
}

function sourcesOf(node: InstructionNode, keyword: string): Sources {
  const destination = node.args.at(-1) ?? "";
  if (parseHereDocumentMark(destination))
    throw invalid(`${keyword} cannot accept a heredoc as a destination`);
  const paths: string[] = [];
  const documents: SourceDocument[] = [];
  for (const word of node.args.slice(0, -1)) {
    const mark = parseHereDocumentMark(word);
    if (!mark) paths.push(word);
    else {
      // Of two documents of one name the last one counts, for both.
      const document = node.heredocs.findLast(({ name }) => name === mark.name);
      const content = hereDocumentText({ ...mark, content: document?.content ?? "" });
      documents.push({ name: mark.name, content, expand: mark.expand });
    }
  }
  return { paths, documents, destination };
}
