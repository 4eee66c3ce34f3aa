// The names of Go's types where a body's schema doesn't tell them, for the words of a refusal: by the field and the one
// above it, `[]` for an item of a list. As Docker 28.5 says them.

const MODES = ["Isolation", "NetworkMode", "IpcMode", "PidMode", "UTSMode", "UsernsMode", "CgroupnsMode"];

export const GO_TYPES: Readonly<Record<string, string>> = {
  ".HostConfig": "container.HostConfig",
  ".NetworkingConfig": "network.NetworkingConfig",
  ".Healthcheck": "v1.HealthcheckConfig",
  ".ExposedPorts": "nat.PortSet",
  ".Volumes": "map[string]struct {}",
  ".StopTimeout": "int",
  ".IPAM": "network.IPAM",
  "IPAM.Config[]": "network.IPAMConfig",
  "Healthcheck.Retries": "int",
  ...Object.fromEntries(
    ["Interval", "Timeout", "StartPeriod", "StartInterval"].map((name) => [
      `Healthcheck.${name}`,
      "time.Duration",
    ]),
  ),
  ...Object.fromEntries(MODES.map((name) => [`HostConfig.${name}`, `container.${name}`])),
  "HostConfig.Cgroup": "container.CgroupSpec",
  "HostConfig.RestartPolicy": "container.RestartPolicy",
  "RestartPolicy.Name": "container.RestartPolicyMode",
  "RestartPolicy.MaximumRetryCount": "int",
  "HostConfig.LogConfig": "container.LogConfig",
  "HostConfig.PortBindings": "nat.PortMap",
  "HostConfig.PortBindings{}": "[]nat.PortBinding",
  "HostConfig.PortBindings{}[]": "nat.PortBinding",
  "HostConfig.ConsoleSize": "[2]uint",
  "HostConfig.ConsoleSize[]": "uint",
  "HostConfig.Mounts[]": "mount.Mount",
  "Mounts[].Type": "mount.Type",
  "Mounts[].TmpfsOptions": "mount.TmpfsOptions",
  "HostConfig.Ulimits[]": "units.Ulimit",
  "HostConfig.Devices[]": "container.DeviceMapping",
  "HostConfig.DeviceRequests[]": "container.DeviceRequest",
  "HostConfig.OomScoreAdj": "int",
  "HostConfig.BlkioWeight": "uint16",
  "HostConfig.BlkioWeightDevice[]": "blkiodev.WeightDevice",
  "HostConfig.BlkioDeviceReadBps[]": "blkiodev.ThrottleDevice",
  "HostConfig.BlkioDeviceWriteBps[]": "blkiodev.ThrottleDevice",
  "HostConfig.BlkioDeviceReadIOps[]": "blkiodev.ThrottleDevice",
  "HostConfig.BlkioDeviceWriteIOps[]": "blkiodev.ThrottleDevice",
  "BlkioDeviceReadBps[].Rate": "uint64",
  "NetworkingConfig.EndpointsConfig{}": "network.EndpointSettings",
  "EndpointsConfig{}.IPAMConfig": "network.EndpointIPAMConfig",
};
