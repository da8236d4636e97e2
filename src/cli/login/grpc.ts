// A login over gRPC, with the grpc-js client that is generated for internal services.

import { isIP } from "node:net";
import { checkServerIdentity, type PeerCertificate } from "node:tls";
import { fromBinary } from "@bufbuild/protobuf";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import {
  type ChannelCredentials,
  type ClientOptions,
  credentials,
  Metadata,
  type ServiceError,
  status,
} from "@grpc/grpc-js";
import { ErrorInfoSchema, RetryInfoSchema } from "../../../gen/es/google/rpc/error_details_pb.ts";
import { StatusSchema } from "../../../gen/es/google/rpc/status_pb.ts";
import { AuthServiceClient, type LoginResponse } from "../../../gen/grpc/countersign/auth/v1/auth.ts";
import { systemNow } from "../../telemetry/clock.ts";
import { type ClientTls, DEADLINE_MS, type Endpoint } from "../gateway/endpoint.ts";
import { particularsOf, refusalFailure } from "../gateway/refusal.ts";
import { unreachable } from "../gateway/unreachable.ts";
import type { CommandFailure } from "../output.ts";
import type { SendLogin } from "./login.ts";

/** A name that nobody has (RFC 6761): a server that is asked for it shows the certificate it shows without a name. */
const NO_NAME = "address.invalid";

export const sendGrpc: SendLogin = async (endpoint, login) => {
  const { hostname, port } = new URL(endpoint.url);
  const target = `${hostname}:${port || (endpoint.tls ? 443 : 80)}`;
  const client = new AuthServiceClient(target, ...channelOf(hostname.replace(/^\[(.*)\]$/, "$1"), endpoint.tls));
  try {
    const { token, expires_in } = await new Promise<LoginResponse>((resolve, reject) => {
      client.login({ ...login }, new Metadata(), { deadline: systemNow() + DEADLINE_MS }, (error, response) =>
        error ? reject(error) : resolve(response),
      );
    }).catch(async (error: ServiceError) => {
      throw await grpcFailure(error, endpoint);
    });
    return { token, expires_in };
  } finally {
    client.close();
  }
};

function channelOf(host: string, tls: ClientTls | undefined): [ChannelCredentials, ClientOptions] {
  if (tls === undefined) return [credentials.createInsecure(), {}];
  const [ca, key = null, cert = null] = [tls.ca.join("\n"), tls.key, tls.cert].map((pem) =>
    pem === undefined ? undefined : Buffer.from(pem),
  );
  if (isIP(host) === 0) return [credentials.createSsl(ca, key, cert), {}];
  // grpc-js sends what it connects to as the server's name, which an address may not be (RFC 6066, and Node warns of it).
  const verify = { checkServerIdentity: (_name: string, peer: PeerCertificate) => checkServerIdentity(host, peer) };
  return [credentials.createSsl(ca, key, cert, verify), { "grpc.ssl_target_name_override": NO_NAME }];
}

async function grpcFailure(error: ServiceError, endpoint: Endpoint): Promise<CommandFailure> {
  const code = (status[error.code] ?? "UNKNOWN").toLowerCase();
  const [bytes] = error.metadata.get("grpc-status-details-bin");
  if (!Buffer.isBuffer(bytes)) {
    if (error.code === status.DEADLINE_EXCEEDED) return unreachable(endpoint, code);
    return error.code === status.UNAVAILABLE
      ? unreachable(endpoint, error.details)
      : refusalFailure(code, error.details, { code });
  }
  const { details } = fromBinary(StatusSchema, bytes);
  const info = details.map((detail) => anyUnpack(detail, ErrorInfoSchema)).find((detail) => detail !== undefined);
  const retry = details.map((detail) => anyUnpack(detail, RetryInfoSchema)).find((detail) => detail !== undefined);
  return refusalFailure(info?.reason ?? code, error.details, { code, ...particularsOf(info, retry) });
}
