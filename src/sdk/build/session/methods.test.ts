import { expect, test } from "bun:test";
import type { DescService } from "@bufbuild/protobuf";
import { Content } from "../../../buildkit/messages/content_pb.ts";
import { Health } from "../../../buildkit/messages/health_pb.ts";
import { Secrets } from "../../../buildkit/messages/secrets_pb.ts";
import { Auth, FileSend, FileSync } from "../../../buildkit/messages/session_pb.ts";
import { SSH } from "../../../buildkit/messages/ssh_pb.ts";
import { Upload } from "../../../buildkit/messages/upload_pb.ts";
import * as listed from "./methods.ts";

test.each<[DescService, string[]]>([
  [Auth, listed.AUTH],
  [Content, listed.CONTENT],
  [FileSync, listed.FILE_SYNC],
  [FileSend, listed.FILE_SEND],
  [Health, listed.HEALTH],
  [Secrets, listed.SECRETS],
  [SSH, listed.SSH],
  [Upload, listed.UPLOAD],
])("%s is listed with all of its calls", (service, methods) => {
  expect(methods).toEqual(service.methods.map(({ name }) => `/${service.typeName}/${name}`));
});
