// What a frontend answers to `--check` and `--call`, for a person or as JSON.
import type { FrontendQuestion } from "../build-options/values.ts";
import { fail } from "../framework/failure.ts";
import type { Output } from "../output.ts";
import type { LintAnswer } from "./lint.ts";

/** Gives the exit code: the answer's own, unless it is to be ignored. Errors: what the answer says of a Dockerfile that can't be built. */
export async function printAnswer(
  out: Output,
  question: FrontendQuestion,
  response: Record<string, string>,
  dockerfile: string,
): Promise<number> {
  const { text, failure } = await answerOf(question, response, dockerfile);
  await out.write(text);
  if (failure) throw fail(failure);
  const status = Number(response["result.statuscode"] ?? 0);
  return question.ignoreStatus || !Number.isInteger(status) ? 0 : status;
}

async function answerOf(
  { name, format }: FrontendQuestion,
  response: Record<string, string>,
  dockerfile: string,
): Promise<LintAnswer> {
  const json = response["result.json"] ?? "";
  if (format === "json" && json) return { text: `${json}\n` };
  if (name === "lint") return (await import("./lint.ts")).lintAnswer(json, dockerfile);
  return { text: response["result.txt"] ?? `${json}\n` };
}
