// A login over gRPC, with the grpc-js client that is generated for internal services.

import { fromBinary } from "@bufbuild/protobuf";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { credentials, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { ErrorInfoSchema } from "../../gen/es/google/rpc/error_details_pb.ts";
import { StatusSchema } from "../../gen/es/google/rpc/status_pb.ts";
import { AuthServiceClient, type LoginResponse } from "../../gen/grpc/countersign/auth/v1/auth.ts";
import { systemNow } from "../telemetry/clock.ts";
import type { SendLogin } from "./login.ts";
import { CommandFailure } from "./output.ts";

const DEADLINE_MS = 10_000;

export const sendGrpc: SendLogin = async (url, login) => {
  const { host, hostname, protocol } = new URL(url);
  const secure = protocol === "https:";
  const target = host === hostname ? `${hostname}:${secure ? 443 : 80}` : host;
  const client = new AuthServiceClient(target, secure ? credentials.createSsl() : credentials.createInsecure());
  try {
    const { token, expires_in } = await new Promise<LoginResponse>((resolve, reject) => {
      client.login({ ...login }, new Metadata(), { deadline: systemNow() + DEADLINE_MS }, (error, response) =>
        error ? reject(grpcFailure(error)) : resolve(response),
      );
    });
    return { token, expires_in };
  } finally {
    client.close();
  }
};

function grpcFailure(error: ServiceError): CommandFailure {
  const code = (status[error.code] ?? "UNKNOWN").toLowerCase();
  const [bytes] = error.metadata.get("grpc-status-details-bin");
  if (error.code === status.UNAVAILABLE && bytes === undefined)
    return new CommandFailure("no gateway answers", { code });
  if (!Buffer.isBuffer(bytes)) return new CommandFailure(`${code}: ${error.details}`, { code });
  const info = fromBinary(StatusSchema, bytes)
    .details.map((detail) => anyUnpack(detail, ErrorInfoSchema))
    .find((detail) => detail !== undefined);
  const reason = info?.reason ?? code;
  return new CommandFailure(`${reason}: ${error.details}`, { code, reason, ...info?.metadata });
}
