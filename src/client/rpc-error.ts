// Errors of calls, with the gateway's reason and details.

import { type ServiceError, status } from "@grpc/grpc-js";
import { ErrorInfo, RetryInfo } from "../../gen/grpc/google/rpc/error_details.ts";
import { Status } from "../../gen/grpc/google/rpc/status.ts";

/** The reasons of AuthService and TokenService; a later gateway may have more. */
export type Reason =
  | "malformed"
  | "clock_skew"
  | "rate_limited"
  | "invalid_credentials"
  | "disabled"
  | "replayed"
  | "expired"
  | "invalid"
  | "revoked"
  | "too_large"
  | "not_found"
  | "unavailable"
  | "internal"
  | (string & Record<never, never>);

/** Details of a gateway's error; each applies to the reasons that its comment names. */
export interface LoginErrorDetails {
  /** clock_skew: the gateway's time, in Unix seconds. */
  readonly serverTime?: number;
  /** rate_limited, unavailable: the least wait before another try, in milliseconds. */
  readonly retryAfterMs?: number;
  /** malformed: the field of the request that is wrong. */
  readonly field?: string;
  /** rate_limited: the limit that decided. */
  readonly policy?: string;
  /** internal: names the gateway's log line. */
  readonly requestId?: string;
}

/** A call that failed. It holds no request, and so no token and no signature. */
export class RpcError extends Error {
  /** The gRPC status; never OK. */
  readonly code: status;
  /** Undefined when no gateway answered: no connection, a lost connection or a passed deadline. */
  readonly reason: Reason | undefined;
  readonly details: LoginErrorDetails;

  constructor(code: status, message: string, reason?: Reason, details: LoginErrorDetails = {}) {
    super(message);
    this.name = "RpcError";
    this.code = code;
    this.reason = reason;
    this.details = details;
  }
}

/** Reads the google.rpc.ErrorInfo and RetryInfo in the trailers of a failed call. */
export function rpcErrorOf({ code, details, metadata }: ServiceError): RpcError {
  const { info, retry } = readDetails(metadata.get("grpc-status-details-bin")[0]);
  const reason = info?.reason;
  const message = `${reason ?? (status[code] ?? "UNKNOWN").toLowerCase()}: ${details}`;
  const { server_time: serverTime, field, policy, request_id: requestId } = info?.metadata ?? {};
  const { seconds, nanos } = retry?.retry_delay ?? { seconds: 0, nanos: 0 };
  const retryAfterMs = seconds * 1000 + Math.ceil(nanos / 1_000_000);
  return new RpcError(code, message, reason, {
    ...(serverTime !== undefined && /^\d{1,11}$/.test(serverTime) && { serverTime: Number(serverTime) }),
    ...(retryAfterMs > 0 && { retryAfterMs }),
    ...(field !== undefined && { field }),
    ...(policy !== undefined && { policy }),
    ...(requestId !== undefined && { requestId }),
  });
}

function readDetails(bytes: string | Buffer | undefined): { readonly info?: ErrorInfo; readonly retry?: RetryInfo } {
  if (!Buffer.isBuffer(bytes)) return {};
  try {
    const { details } = Status.decode(bytes);
    const find = (type: string): Uint8Array | undefined =>
      details.find(({ type_url }) => type_url.endsWith(`/google.rpc.${type}`))?.value;
    const info = ErrorInfo.decode(find("ErrorInfo") ?? new Uint8Array());
    return info.domain === "countersign"
      ? { info, retry: RetryInfo.decode(find("RetryInfo") ?? new Uint8Array()) }
      : {};
  } catch {
    // A proxy may send details that do not decode; the status is enough.
    return {};
  }
}
