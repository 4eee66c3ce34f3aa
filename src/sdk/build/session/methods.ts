// The calls that a session offers, by service, in the form in which the daemon's session manager reads them: of the generated
// services, without loading those.
const of = (service: string, ...methods: string[]) => methods.map((method) => `/${service}/${method}`);

export const AUTH = of(
  "moby.filesync.v1.Auth",
  "Credentials",
  "FetchToken",
  "GetTokenAuthority",
  "VerifyTokenAuthority",
);
export const CONTENT = of(
  "containerd.services.content.v1.Content",
  "Info",
  "Update",
  "List",
  "Delete",
  "Read",
  "Status",
  "ListStatuses",
  "Write",
  "Abort",
);
export const FILE_SYNC = of("moby.filesync.v1.FileSync", "DiffCopy", "TarStream");
export const FILE_SEND = of("moby.filesync.v1.FileSend", "DiffCopy");
export const HEALTH = of("grpc.health.v1.Health", "Check");
export const SECRETS = of("moby.buildkit.secrets.v1.Secrets", "GetSecret");
export const SSH = of("moby.sshforward.v1.SSH", "CheckAgent", "ForwardAgent");
export const UPLOAD = of("moby.upload.v1.Upload", "Pull");
