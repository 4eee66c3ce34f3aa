// The API room's door: the daemon role, and the table of operations.
export { runDaemon } from "./daemon/run.ts";
export { ROUTES } from "./routes.ts";
