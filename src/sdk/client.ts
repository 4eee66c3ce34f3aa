// The client as its users see it: one object a daemon, with a resource for each part of the API.
import { Builder } from "./build/resource.ts";
import type { BuildResult, BuildSpec } from "./build/types.ts";
import type { ContainerBuilder } from "./builder.ts";
import { Connection } from "./connection.ts";
import { Containers } from "./containers.ts";
import { DEFAULT_HOST, parseEndpoint, type TlsMaterial } from "./endpoint.ts";
import { Execs } from "./exec.ts";
import { Images } from "./images.ts";
import { Networks } from "./networks.ts";
import { Registry } from "./registry.ts";
import { System } from "./system.ts";
import { Volumes } from "./volumes.ts";

export interface ConnectOptions {
  /** `unix:///path`, `tcp://host:port` or `ssh://[user@]host[:port][/socket]`; default: Berth's own socket. */
  host?: string;
  tls?: TlsMaterial;
  /** Fixes the API version instead of asking the daemon (`1.51`). */
  apiVersion?: string;
  /** Sent with every request. */
  headers?: Record<string, string>;
  /** Asked once when nobody answers the first call: true means that somebody does now (it started a daemon). */
  onUnreachable?: () => Promise<boolean>;
}

/** A daemon. Nothing is sent before the first call, and nothing has to be closed: connections are the runtime's. */
export class Client {
  readonly connection: Connection;
  readonly containers: Containers;
  readonly exec: Execs;
  readonly images: Images;
  readonly volumes: Volumes;
  readonly networks: Networks;
  readonly registry: Registry;
  readonly system: System;
  readonly builder: Builder;

  constructor(options: ConnectOptions = {}) {
    const endpoint = parseEndpoint(options.host ?? DEFAULT_HOST, options.tls);
    this.connection = new Connection(
      endpoint,
      options.apiVersion,
      options.headers ?? {},
      options.onUnreachable,
    );
    this.containers = new Containers(this.connection);
    this.exec = new Execs(this.connection);
    this.images = new Images(this.connection);
    this.volumes = new Volumes(this.connection);
    this.networks = new Networks(this.connection);
    this.registry = new Registry(this.connection);
    this.system = new System(this.connection);
    this.builder = new Builder(this.connection);
  }

  /** A container of the image, to be described further, then started or run. Loads what it needs on its first use. */
  container(image: string): ContainerBuilder {
    const { ContainerBuilder: Builder } = require("./builder.ts") as typeof import("./builder.ts");
    return new Builder(this, { Image: image });
  }

  /**
   * Builds an image, or whatever the spec's outputs say.
   *
   * @example
   * const { response } = await client.build({ context: { kind: "folder", path: "." }, tags: ["app"] });
   * console.log(response["containerimage.digest"]);
   */
  build(spec: BuildSpec): Promise<BuildResult> {
    return this.builder.build(spec);
  }

  /** The address as it was understood, for messages. */
  get host(): string {
    return this.connection.endpoint.host;
  }
}

/**
 * A client of the daemon at `host`. Works against Berth's and Docker's daemons alike.
 *
 * @example
 * import { connect } from "berth";
 * const client = connect({ host: "unix:///run/berth/berth.sock" });
 * console.log((await client.system.version()).Version);
 * for (const container of await client.containers.list()) console.log(container.Names, container.Status);
 */
export function connect(options: ConnectOptions = {}): Client {
  return new Client(options);
}
