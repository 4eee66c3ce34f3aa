// Containers for programs: said in a chain of words, started, used, and gone at the end of the block.
import type { ContainerInspectResponse, HealthConfig } from "../api/types/index.ts";
import type { Client } from "./client.ts";
import type { ContainerSpec } from "./containers.ts";
import { isNotFound, SdkError } from "./errors.ts";
import { demultiplex } from "./streams.ts";

/** What a command wrote, and how it ended. */
export interface CommandResult {
  exitCode: number;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  /** Milliseconds for the whole; the container is killed then, and an SdkError of kind `timeout` thrown. Default: 10 minutes. */
  timeout?: number;
  /** Given on standard input, which is closed after it. */
  input?: string | Uint8Array;
}

export interface ReadyOptions {
  /** Milliseconds until it must be ready. Default: one minute. */
  timeout?: number;
}

const RUN_LIMIT = 600_000;
const READY_LIMIT = 60_000;
/** Between two looks at a container that isn't ready yet. */
const STEP = 50;

/**
 * A container to be. Each word gives a new builder, so that a half-said one can be used for several.
 *
 * @example
 * const client = connect();
 * await using web = await client.container("nginx").publish(80).env({ DEBUG: "1" }).start();
 * await fetch(`http://127.0.0.1:${web.port(80)}/`);
 * const { stdout } = await web.exec(["nginx", "-v"]);
 */
export class ContainerBuilder {
  constructor(
    private readonly client: Client,
    private readonly spec: ContainerSpec,
    private readonly options: { name?: string; platform?: string; pull: "missing" | "always" | "never" } = {
      pull: "missing",
    },
  ) {}

  #with(spec: Partial<ContainerSpec>, host: NonNullable<ContainerSpec["HostConfig"]> = {}): ContainerBuilder {
    const HostConfig = { ...this.spec.HostConfig, ...host };
    return new ContainerBuilder(this.client, { ...this.spec, ...spec, HostConfig }, this.options);
  }

  name(name: string): ContainerBuilder {
    return new ContainerBuilder(this.client, this.spec, { ...this.options, name });
  }
  platform(platform: string): ContainerBuilder {
    return new ContainerBuilder(this.client, this.spec, { ...this.options, platform });
  }
  /** When the image is pulled. Default: where it is missing. */
  pull(pull: "missing" | "always" | "never"): ContainerBuilder {
    return new ContainerBuilder(this.client, this.spec, { ...this.options, pull });
  }
  command(...words: string[]): ContainerBuilder {
    return this.#with({ Cmd: words });
  }
  entrypoint(...words: string[]): ContainerBuilder {
    return this.#with({ Entrypoint: words });
  }
  env(variables: Record<string, string>): ContainerBuilder {
    const pairs = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
    return this.#with({ Env: [...(this.spec.Env ?? []), ...pairs] });
  }
  label(labels: Record<string, string>): ContainerBuilder {
    return this.#with({ Labels: { ...this.spec.Labels, ...labels } });
  }
  user(user: string): ContainerBuilder {
    return this.#with({ User: user });
  }
  workingFolder(path: string): ContainerBuilder {
    return this.#with({ WorkingDir: path });
  }
  /** Shows a port of the container on the host: on a free one of the loopback's unless it is said. */
  publish(
    port: number,
    on: { port?: number; address?: string; protocol?: "tcp" | "udp" } = {},
  ): ContainerBuilder {
    const key = `${port}/${on.protocol ?? "tcp"}`;
    const binding = { HostIp: on.address ?? "127.0.0.1", HostPort: on.port ? String(on.port) : "" };
    return this.#with(
      { ExposedPorts: { ...this.spec.ExposedPorts, [key]: {} } },
      { PortBindings: { ...this.spec.HostConfig?.PortBindings, [key]: [binding] } },
    );
  }
  /** A folder of the host, or a named volume, at a path of the container. */
  mount(source: string, target: string, options: { readOnly?: boolean } = {}): ContainerBuilder {
    const bind = `${source}:${target}${options.readOnly ? ":ro" : ""}`;
    return this.#with({}, { Binds: [...(this.spec.HostConfig?.Binds ?? []), bind] });
  }
  network(name: string): ContainerBuilder {
    return this.#with({}, { NetworkMode: name });
  }
  /** The health check; `start` waits until it succeeds. Times in nanoseconds, as in the API. */
  health(check: HealthConfig): ContainerBuilder {
    return this.#with({ Healthcheck: check });
  }
  /** Everything else that the API knows. */
  configure(change: (spec: ContainerSpec) => ContainerSpec): ContainerBuilder {
    return new ContainerBuilder(this.client, change(structuredClone(this.spec)), this.options);
  }

  async #create(spec: ContainerSpec): Promise<string> {
    const { name, platform, pull } = this.options;
    const create = () => this.client.containers.create(spec, { name, platform });
    if (pull === "always") await this.#pull();
    try {
      return (await create()).Id;
    } catch (thrown) {
      if (!isNotFound(thrown) || pull !== "missing") throw thrown;
      await this.#pull();
      return (await create()).Id;
    }
  }

  async #pull(): Promise<void> {
    const image = this.spec.Image ?? "";
    const named = /[:@]/.test(image.slice(image.lastIndexOf("/") + 1)) ? image : `${image}:latest`;
    const messages = await this.client.images.pull({ fromImage: named, platform: this.options.platform });
    for await (const { errorDetail, error } of messages) {
      const problem = errorDetail?.message ?? error;
      if (problem) throw new SdkError("daemon", problem, 500);
    }
  }

  /** Starts it and waits until it is healthy, where it has a health check. Disposing of it removes it with its volumes. */
  async start(options: ReadyOptions = {}): Promise<RunningContainer> {
    const id = await this.#create(this.spec);
    const container = new RunningContainer(this.client, id);
    try {
      await this.client.containers.start(id);
      await container.ready(options);
      return container;
    } catch (thrown) {
      await container[Symbol.asyncDispose]();
      throw thrown;
    }
  }

  /**
   * Runs it to its end and removes it. A failing command is a result, not an error.
   *
   * @example
   * const { exitCode, stdout } = await client.container("busybox").command("wc", "-c").run({ input: "hello" });
   */
  async run(options: RunOptions = {}): Promise<CommandResult> {
    const hasInput = options.input !== undefined;
    const attachments = {
      AttachStdout: true,
      AttachStderr: true,
      AttachStdin: hasInput,
      OpenStdin: hasInput,
      StdinOnce: hasInput,
    };
    const id = await this.#create({ ...this.spec, ...attachments, Tty: false });
    await using container = new RunningContainer(this.client, id);
    const waiting = this.client.containers.wait(id, { condition: "next-exit" });
    const [stream] = await Promise.all([
      this.client.containers.attach(id, { stdin: hasInput, stdout: true, stderr: true }),
      waiting.registered,
    ]);
    await this.client.containers.start(id);
    const work = async () => {
      const output = collect(stream);
      if (options.input !== undefined) {
        // A command that doesn't read to the end says so by its result, not by our pipe.
        await stream.write(options.input).catch(() => {});
        stream.closeWrite();
      }
      const [texts, { StatusCode }] = await Promise.all([output, waiting.result]);
      return { exitCode: StatusCode, ...texts };
    };
    return await within(
      options.timeout ?? RUN_LIMIT,
      `the container ${container.id.slice(0, 12)} did not end`,
      work(),
    );
  }
}

/** A container that runs; `await using` removes it, with its anonymous volumes, at the end of the block. */
export class RunningContainer implements AsyncDisposable {
  #state: ContainerInspectResponse | undefined;

  constructor(
    private readonly client: Client,
    readonly id: string,
  ) {}

  async inspect(): Promise<ContainerInspectResponse> {
    this.#state = await this.client.containers.inspect(this.id);
    return this.#state;
  }

  /** Waits until it runs and, where it has a health check, until that succeeds. */
  async ready(options: ReadyOptions = {}): Promise<void> {
    const limit = options.timeout ?? READY_LIMIT;
    const until = Date.now() + limit;
    for (;;) {
      const { State } = await this.inspect();
      if (!State?.Running)
        throw new SdkError("daemon", `the container ended with exit code ${State?.ExitCode}`, 409);
      const health = State.Health?.Status ?? "none";
      if (health === "none" || health === "healthy") return;
      if (Date.now() > until) {
        throw new SdkError("timeout", `the container was not healthy within ${limit} ms, but ${health}`);
      }
      await Bun.sleep(STEP);
    }
  }

  /** Where a published port is on the host. */
  port(port: number, protocol: "tcp" | "udp" = "tcp"): number {
    const binding = this.#state?.NetworkSettings?.Ports?.[`${port}/${protocol}`]?.[0];
    if (!binding?.HostPort)
      throw new SdkError("protocol", `the container publishes no port ${port}/${protocol}`);
    return Number(binding.HostPort);
  }

  /** Runs a further command in it. */
  async exec(
    words: string[],
    options: RunOptions & { user?: string; env?: Record<string, string> } = {},
  ): Promise<CommandResult> {
    const { exec } = this.client;
    const id = await exec.create(this.id, {
      Cmd: words,
      AttachStdin: options.input !== undefined,
      AttachStdout: true,
      AttachStderr: true,
      User: options.user,
      Env: Object.entries(options.env ?? {}).map(([name, value]) => `${name}=${value}`),
    });
    const work = async () => {
      await using stream = await exec.start(id);
      const output = collect(stream);
      if (options.input !== undefined) {
        await stream.write(options.input).catch(() => {}); // as in run
        stream.closeWrite();
      }
      const texts = await output;
      return { exitCode: (await exec.inspect(id)).ExitCode ?? 0, ...texts };
    };
    return within(options.timeout ?? RUN_LIMIT, `${words[0]} did not end`, work());
  }

  /** All that it has written so far. */
  async logs(): Promise<{ stdout: string; stderr: string }> {
    return collect(await this.client.containers.logs(this.id));
  }

  /** Stops it; seconds until the kill. It can be started again. */
  async stop(timeout?: number): Promise<void> {
    await this.client.containers.stop(this.id, { timeout });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.client.containers.remove(this.id, { force: true, volumes: true });
    } catch (thrown) {
      if (!isNotFound(thrown)) throw thrown;
    }
  }
}

async function collect(source: AsyncIterable<Uint8Array>): Promise<{ stdout: string; stderr: string }> {
  const texts = { stdout: "", stderr: "" };
  const decoders = { stdout: new TextDecoder(), stderr: new TextDecoder() };
  for await (const { stream, data } of demultiplex(source)) {
    const name = stream === "stderr" ? "stderr" : "stdout";
    texts[name] += decoders[name].decode(data, { stream: true });
  }
  return texts;
}

/** The work's outcome, or an SdkError of kind `timeout`. */
async function within<T>(limit: number, problem: string, work: Promise<T>): Promise<T> {
  let timer: Timer | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new SdkError("timeout", `${problem} within ${limit} ms`)), limit);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
    work.catch(() => {}); // what comes after the time-out is nobody's
  }
}
