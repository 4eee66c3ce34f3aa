// This program's version, put in when it is built.
declare const BERTH_VERSION: string;
declare const BERTH_COMMIT: string;

export const VERSION = typeof BERTH_VERSION === "string" ? BERTH_VERSION : "0.1.0-dev";
export const COMMIT = typeof BERTH_COMMIT === "string" ? BERTH_COMMIT : "checkout";
