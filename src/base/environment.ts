// What differs between hosts, as one value: so rootless, user-namespace remapping, systemd's cgroups and arm64
// are values of it and not branches everywhere. Detected once, when the daemon starts (engine/start.ts).

/** How the host's cgroup file systems are mounted (cgroups(7)). */
export type CgroupMode = "v1" | "hybrid" | "v2";

/** One range of an id map: user_namespaces(7), "containerID hostID size" of /proc/PID/uid_map. */
export interface IdRange {
  container: number;
  host: number;
  size: number;
}

export interface HostEnvironment {
  paths: {
    /** What must last: database, blobs, layers, containers, volumes. Default /var/lib/berth, mode 0700. */
    dataRoot: string;
    /** What ends with the boot: shim sockets, bundles, namespaces. Default /run/berth. */
    execRoot: string;
  };
  /** The name of the default bridge device (`berth0`); our nftables tables carry it too. */
  bridge: string;
  platform: { os: "linux"; architecture: "amd64" | "arm64"; variant?: string };
  cgroups: { mode: CgroupMode; manager: "cgroupfs" | "systemd" };
  /** null: container ids are host ids. */
  idMapping: { uid: IdRange[]; gid: IdRange[] } | null;
  rootless: boolean;
  appArmor: boolean;
  /** Kernel release as major and minor, for conditions on it (seccomp, mount calls). */
  kernel: { release: string; major: number; minor: number };
}
