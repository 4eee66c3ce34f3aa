// What this program is: put in when it is built (scripts/build.sh); a run from source says so.
declare const BERTH_VERSION: string;
declare const BERTH_COMMIT: string;
declare const BERTH_COMMITTED: string;

export const VERSION = typeof BERTH_VERSION === "string" ? BERTH_VERSION : "0.1.0-dev";
export const COMMIT = typeof BERTH_COMMIT === "string" ? BERTH_COMMIT : "checkout";
/** When the commit was made, RFC 3339: the same sources give the same file. */
export const COMMITTED = typeof BERTH_COMMITTED === "string" ? BERTH_COMMITTED : "";

/** The Docker Engine whose behaviour Berth has: what clients compare with. */
export const ENGINE_VERSION = "28.5.2";
export const API_VERSION = "1.51";
export const MIN_API_VERSION = "1.24";
