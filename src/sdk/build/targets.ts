// Several builds at once, of which some stand on others' results: `contexts` with `target:NAME` name another one of them.
import type { Result } from "../../buildkit/messages/gateway_pb.ts";
import type { Connection } from "../connection.ts";
import { solve } from "./solve.ts";
import { TargetFailure } from "./target-failure.ts";
import type { BuildResult, BuildSpec } from "./types.ts";

const LINK = "target:";

/** Throws a TargetFailure, or a spec's signal's reason. */
export async function solveTargets(
  connection: Connection,
  specs: Record<string, BuildSpec>,
): Promise<Record<string, BuildResult>> {
  const names = Object.keys(specs);
  const results = new Map(names.map((name) => [name, Promise.withResolvers<Result>()]));
  for (const { promise } of results.values()) promise.catch(() => {});
  const ended = Promise.withResolvers<void>();
  const broken = new AbortController();
  let failure: TargetFailure | undefined;
  const linksOf = ({ contexts = {} }: BuildSpec) =>
    Object.entries(contexts).flatMap(([context, source]) => {
      const coming = source.startsWith(LINK) ? results.get(source.slice(LINK.length)) : undefined;
      return coming ? [[context, coming.promise] as const] : [];
    });
  const needed = new Set(
    Object.values(specs).flatMap(({ contexts = {} }) =>
      Object.values(contexts).flatMap((source) =>
        source.startsWith(LINK) ? [source.slice(LINK.length)] : [],
      ),
    ),
  );
  const one = async (name: string, spec: BuildSpec): Promise<[string, BuildResult]> => {
    const links = linksOf(spec);
    const signal = spec.signal ? AbortSignal.any([spec.signal, broken.signal]) : broken.signal;
    const linking = {
      contexts: new Map(links),
      provide: (result: Result) => results.get(name)?.resolve(result),
      until: ended.promise,
    };
    try {
      const isLinked = links.length > 0 || needed.has(name);
      return [
        name,
        await solve(connection, { ...spec, signal }, isLinked && !spec.call ? linking : undefined, () =>
          finished(),
        ),
      ];
    } catch (thrown) {
      if (!spec.signal?.aborted) failure ??= new TargetFailure(name, thrown);
      results.get(name)?.reject(thrown);
      broken.abort(thrown);
      ended.resolve();
      throw failure ?? thrown;
    }
  };
  let left = names.length;
  const finished = () => {
    left--;
    if (left === 0) ended.resolve();
  };
  const all = await Promise.allSettled(names.map((name) => one(name, specs[name] as BuildSpec)));
  const failed = all.find(({ status }) => status === "rejected");
  if (failed) throw failure ?? (failed as PromiseRejectedResult).reason;
  return Object.fromEntries(all.flatMap((result) => (result.status === "fulfilled" ? [result.value] : [])));
}
