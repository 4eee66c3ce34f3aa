// The plugin part of the Engine API's vocabulary (version 1.51), as written by `npm run api-types`.

export interface PluginMount {
  Name: string;
  Description: string;
  Settable: string[];
  Source: string;
  Destination: string;
  Type: string;
  Options: string[];
}

export interface PluginDevice {
  Name: string;
  Description: string;
  Settable: string[];
  Path: string;
}

export interface PluginEnv {
  Name: string;
  Description: string;
  Settable: string[];
  Value: string;
}

export interface PluginInterfaceType {
  Prefix: string;
  Capability: string;
  Version: string;
}

/** Describes a permission the user has to accept upon installing the plugin. */
export interface PluginPrivilege {
  Name?: string;
  Description?: string;
  Value?: string[];
}

/** A plugin for the Engine API */
export interface Plugin {
  Id?: string;
  Name: string;
  /** True if the plugin is running. False if the plugin is not running, only installed. */
  Enabled: boolean;
  /** Settings that can be modified by users. */
  Settings: {
    Mounts: PluginMount[];
    Env: string[];
    Args: string[];
    Devices: PluginDevice[];
  };
  /** plugin remote reference used to push/pull the plugin */
  PluginReference?: string;
  /** The config of a plugin. */
  Config: {
    /** Docker Version used to create the plugin. */
    DockerVersion?: string;
    Description: string;
    Documentation: string;
    /** The interface between Docker and the plugin */
    Interface: {
      Types: PluginInterfaceType[];
      Socket: string;
      /** Protocol to use for clients connecting to the plugin. */
      ProtocolScheme?: "" | "moby.plugins.http/v1";
    };
    Entrypoint: string[];
    WorkDir: string;
    User?: {
      UID?: number;
      GID?: number;
    };
    Network: {
      Type: string;
    };
    Linux: {
      Capabilities: string[];
      AllowAllDevices: boolean;
      Devices: PluginDevice[];
    };
    PropagatedMount: string;
    IpcHost: boolean;
    PidHost: boolean;
    Mounts: PluginMount[];
    Env: PluginEnv[];
    Args: {
      Name: string;
      Description: string;
      Settable: string[];
      Value: string[];
    };
    rootfs?: {
      type?: string;
      diff_ids?: string[];
    };
  };
}
