// The builder of a daemon, as the client has it. What speaks to it is loaded with the first call.
import type { Connection } from "../connection.ts";
import type { BuildResult, BuildSpec } from "./types.ts";

export class Builder {
  constructor(private readonly connection: Connection) {}

  /** Builds; see `Client.build`. */
  async build(spec: BuildSpec): Promise<BuildResult> {
    const { solve } = await import("./solve.ts");
    return solve(this.connection, spec);
  }
}
