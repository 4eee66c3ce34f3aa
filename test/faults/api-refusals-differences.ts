// Where ours refuses otherwise than the recorded Docker, by the title of the test, and why.
interface Difference {
  status?: number;
  message?: string;
  reason: string;
}

const LATER = "known before anything is made, so refused then: Docker notices when it starts the container";
const early = (message: string): Difference => ({ status: 400, message, reason: LATER });

export const DIFFERENCES: Record<string, Difference> = {
  'POST /containers/create {"Image":""}': {
    message: "invalid reference format",
    reason: "Docker makes containers of no image when they have a command; there is nothing to run in them",
  },
  'POST /containers/create {"Cmd":["true"]}': {
    status: 400,
    message: "invalid reference format",
    reason: "Docker makes containers of no image when they have a command; there is nothing to run in them",
  },
  'POST /containers/create {"Volumes":{"relative":{}}}': early("invalid volume specification: 'relative'"),
  'POST /containers/create {"Volumes":{"/":{}}}': early("invalid volume specification: '/'"),
  'POST /containers/create {"HostConfig":{"NetworkMode":"container:no-such"}}': early(
    "joining network namespace of container: No such container: no-such",
  ),
  'POST /containers/create {"HostConfig":{"Mounts":[{"Type":"bind","Source":"/tmp","Target":"/x","BindOptions":{"ReadOnlyNonRecursive":true}}]}}':
    early("mount options conflict: !ReadOnly && BindOptions.ReadOnlyNonRecursive"),
  'POST /containers/create {"HostConfig":{"Mounts":[{"Type":"bind","Source":"/tmp","Target":"/x","BindOptions":{"ReadOnlyForceRecursive":true}}]}}':
    early("mount options conflict: !ReadOnly && BindOptions.ReadOnlyForceRecursive"),
  'POST /containers/NEW/start "{"': {
    status: 400,
    message: "invalid JSON: unexpected EOF",
    reason:
      "Docker takes a body of two bytes or fewer for none; a body that is no JSON is a client's mistake",
  },
};
