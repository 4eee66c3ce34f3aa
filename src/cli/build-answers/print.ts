// What a frontend answers to `--check` and `--call`, for a person or as JSON.
import type { FrontendQuestion } from "../build-options/values.ts";
import type { Output } from "../output.ts";

/** Gives the exit code: the answer's own, unless it is to be ignored. */
export async function printAnswer(
  out: Output,
  question: FrontendQuestion,
  response: Record<string, string>,
  dockerfile: string,
): Promise<number> {
  await out.write(await answerText(question, response, dockerfile));
  const status = Number(response["result.statuscode"] ?? 0);
  return question.ignoreStatus || !Number.isInteger(status) ? 0 : status;
}

async function answerText(
  { name, format }: FrontendQuestion,
  response: Record<string, string>,
  dockerfile: string,
): Promise<string> {
  const json = response["result.json"] ?? "";
  if (format === "json" && json) return `${json}\n`;
  if (name === "lint") return (await import("./lint.ts")).lintText(json, dockerfile);
  return response["result.txt"] ?? `${json}\n`;
}
