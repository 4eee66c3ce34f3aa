// Prints which operations of an Engine API description the daemon serves, and which answer 501, from the server's own
// table of routes. Usage: npm run api-coverage -- FILE. Exit status 1 when an operation isn't registered at all.
import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { createRouter, ROUTES } from "../src/api/routes.ts";

const [file] = process.argv.slice(2);
if (!file) {
  console.error(
    "usage: npm run api-coverage -- FILE   (an Engine API description, as docs.docker.com has it)",
  );
  process.exit(2);
}
const description = parse(readFileSync(file, "utf8"), { logLevel: "silent" }) as {
  info: { version: string };
  paths: Record<string, Record<string, { operationId: string }>>;
};
const router = createRouter();
const rows = Object.entries(description.paths).flatMap(([path, operations]) =>
  Object.entries(operations)
    .filter(([method]) => method !== "parameters")
    .map(([method, { operationId }]) => {
      const found = router.match(method.toUpperCase(), path.replace(/\{[^}]*\}/g, "x"))?.route;
      const registered = found?.operation === operationId;
      return {
        operation: operationId,
        line: `${operationId} (${method.toUpperCase()} ${path})`,
        state: !registered ? "missing" : found.handler ? "served" : "501",
      };
    }),
);
const named = new Set(rows.map((row) => row.operation));
const ours = ROUTES.filter((route) => !named.has(route.operation)).map((route) => ({
  operation: route.operation,
  line: `${route.operation} (${route.method} ${route.path})`,
  state: route.handler ? "served" : "501",
}));

const print = (title: string, list: { line: string }[]) => {
  console.log(`${title}: ${list.length}`);
  for (const { line } of list) console.log(`  ${line}`);
};
console.log(`Engine API ${description.info.version}: ${rows.length} operations`);
print(
  "served",
  rows.filter((row) => row.state === "served"),
);
print(
  "answer 501",
  rows.filter((row) => row.state === "501"),
);
const missing = rows.filter((row) => row.state === "missing");
if (missing.length > 0) print("not registered", missing);
print("besides the description", ours);
process.exit(missing.length > 0 ? 1 : 0);
