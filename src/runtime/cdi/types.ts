// The Container Device Interface (CDI specification 1.1.0, cncf-tags/container-device-interface SPEC.md): files of a
// vendor's that say what a container needs so that it can use a device: nodes, mounts, variables, hooks.

/** What is changed in a container's config.json. */
export interface ContainerEdits {
  env?: string[];
  deviceNodes?: CdiDeviceNode[];
  netDevices?: CdiNetDevice[];
  hooks?: CdiHook[];
  mounts?: CdiMount[];
  intelRdt?: IntelRdt;
  additionalGids?: number[];
}

export interface CdiDeviceNode {
  /** In the container. */
  path: string;
  /** Absent: the same. */
  hostPath?: string;
  /** Absent: the host device's; b, c, u or p. */
  type?: string;
  major?: number;
  minor?: number;
  fileMode?: number;
  /** Some of rwm, or "none"; absent: rwm. */
  permissions?: string;
  uid?: number;
  gid?: number;
}

export interface CdiNetDevice {
  hostInterfaceName: string;
  name: string;
}

export interface CdiHook {
  hookName: string;
  path: string;
  args?: string[];
  env?: string[];
  /** Seconds. */
  timeout?: number;
}

export interface CdiMount {
  hostPath: string;
  containerPath: string;
  options?: string[];
  type?: string;
}

/** `linux.intelRdt` of the runtime specification has the same names, with "ID" where CDI has it too. */
export interface IntelRdt {
  closID?: string;
  l3CacheSchema?: string;
  memBwSchema?: string;
  schemata?: string[];
  enableMonitoring?: boolean;
  enableCMT?: boolean;
  enableMBM?: boolean;
}

/** One file, checked. */
export interface CdiSpec {
  path: string;
  /** `vendor.com/class`. */
  kind: string;
  containerEdits: ContainerEdits;
  devices: { name: string; containerEdits: ContainerEdits }[];
}

/** What the folders hold. */
export interface CdiDevices {
  /** By qualified name, `vendor.com/class=name`, sorted. */
  devices: Map<string, { spec: CdiSpec; containerEdits: ContainerEdits }>;
  /** Files that were left out, and devices that several files claim: why, by file. */
  errors: { path: string; reason: string }[];
}
