// What a reason looks like in each protocol: one table. Knows AuthError, ConnectError and the protocols' forms, and no service.

import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { AnySchema, anyPack } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { codeToHttpStatus, codeToString, errorToJson } from "@connectrpc/connect/protocol-connect";
import { ErrorInfoSchema, RetryInfoSchema } from "../../gen/es/google/rpc/error_details_pb.ts";
import { StatusSchema } from "../../gen/es/google/rpc/status_pb.ts";
import { AuthError, type Reason } from "../core/errors.ts";

/** ErrorInfo's domain. */
const ERROR_DOMAIN = "countersign";

const TABLE = {
  not_found: { status: 404, code: Code.Unimplemented },
  method_not_allowed: { status: 405, code: Code.Unimplemented },
  unsupported_media_type: { status: 415, code: Code.InvalidArgument },
  too_large: { status: 413, code: Code.ResourceExhausted },
  malformed: { status: 400, code: Code.InvalidArgument },
  clock_skew: { status: 401, code: Code.Unauthenticated },
  rate_limited: { status: 429, code: Code.ResourceExhausted },
  invalid_credentials: { status: 401, code: Code.Unauthenticated },
  disabled: { status: 403, code: Code.PermissionDenied },
  replayed: { status: 401, code: Code.Unauthenticated },
  expired: { status: 401, code: Code.Unauthenticated },
  invalid: { status: 401, code: Code.Unauthenticated },
  revoked: { status: 401, code: Code.Unauthenticated },
  unavailable: { status: 503, code: Code.Unavailable },
  internal: { status: 500, code: Code.Internal },
  invalid_admin_token: { status: 401, code: Code.Unauthenticated },
  does_not_exist: { status: 404, code: Code.NotFound },
  already_exists: { status: 409, code: Code.AlreadyExists },
  etag_mismatch: { status: 409, code: Code.Aborted },
  failed_precondition: { status: 400, code: Code.FailedPrecondition },
} satisfies Record<Reason, { status: number; code: Code }>;

/** Why a call has no answer: by this project's own reasons, or as any Connect handler says it. */
export type Refusal = AuthError | ConnectError;

/** Any failure as a refusal: what is none is a bug, and its particulars stay in the log under `requestId`. */
export function asRefusal(error: unknown, requestId: string): Refusal {
  return error instanceof AuthError || error instanceof ConnectError ? error : internalError(requestId, error);
}

/** The refusal that a bug is told as. */
export function internalError(requestId: string, cause?: unknown): AuthError {
  return new AuthError(
    "internal",
    "an error on the server. Quote the request id to its operator",
    { requestId },
    { cause },
  );
}

/** The HTTP headers that go with a refusal, in the spelling boards look them up by. */
export function errorHeaders(refusal: Refusal): readonly (readonly [string, string])[] {
  if (refusal instanceof ConnectError) return [...refusal.metadata];
  const { reason, particulars } = refusal;
  const headers: [string, string][] = [];
  const wait = retryAfterSeconds(particulars.retryAfterMs);
  if (wait !== undefined) headers.push(["Retry-After", String(wait)]);
  if (TABLE[reason].status === 401) headers.push(["WWW-Authenticate", challengeOf(reason)]);
  if (particulars.allow !== undefined) headers.push(["Allow", particulars.allow.join(", ")]);
  if (particulars.requestId !== undefined) headers.push(["X-Request-Id", particulars.requestId]);
  return headers;
}

/** RFC 9110, 11.6.1: every 401 names a scheme; logins have one of their own, tokens and operators' calls RFC 6750's. */
function challengeOf(reason: Reason): string {
  return BEARER.includes(reason)
    ? 'Bearer realm="countersign", error="invalid_token"'
    : `Countersign realm="devices", error="${reason}"`;
}

const BEARER: readonly Reason[] = ["invalid_admin_token", "expired", "invalid", "revoked"];

/** Whole seconds, never fewer than the wait. */
function retryAfterSeconds(retryAfterMs: number | undefined): number | undefined {
  return retryAfterMs === undefined ? undefined : Math.max(1, Math.ceil(retryAfterMs / 1000));
}

/** A refusal over REST: a status and a flat body. */
export function toRest(error: Refusal): { status: number; body: string } {
  if (error instanceof ConnectError) {
    return { status: codeToHttpStatus(error.code), body: JSON.stringify(errorToJson(error, undefined)) };
  }
  const { reason, message, particulars } = error;
  const { status, code } = TABLE[reason];
  const body = JSON.stringify({
    code: codeToString(code),
    reason,
    message,
    server_time: particulars.serverTime,
    field: particulars.field,
    policy: particulars.limit?.policy.name,
    retry_after: retryAfterSeconds(particulars.retryAfterMs),
    request_id: particulars.requestId,
  });
  return { status, body };
}

/** A refusal as Connect, gRPC-Web and gRPC know it. */
export function toConnect(error: Refusal): ConnectError {
  if (error instanceof ConnectError) return error;
  const details = [{ desc: ErrorInfoSchema, value: errorInfo(error) }];
  const retry = retryInfo(error);
  return new ConnectError(
    error.message,
    TABLE[error.reason].code,
    undefined,
    retry === undefined ? details : [...details, { desc: RetryInfoSchema, value: retry }],
    error,
  );
}

/** A refusal as gRPC's trailers carry it: the code, the message, and google.rpc.Status for grpc-status-details-bin. */
export function toGrpc(refusal: Refusal): { code: number; message: string; details: Buffer } {
  const { code, rawMessage: message, details: told } = toConnect(refusal);
  const details = told.map((detail) =>
    "desc" in detail
      ? anyPack(detail.desc, create(detail.desc, detail.value))
      : create(AnySchema, { typeUrl: `type.googleapis.com/${detail.type}`, value: detail.value }),
  );
  const status = create(StatusSchema, { code, message, details });
  return { code, message, details: Buffer.from(toBinary(StatusSchema, status)) };
}

function errorInfo({ reason, particulars }: AuthError): MessageInitShape<typeof ErrorInfoSchema> {
  const metadata: Record<string, string> = {};
  if (particulars.serverTime !== undefined) metadata["server_time"] = String(particulars.serverTime);
  if (particulars.field !== undefined) metadata["field"] = particulars.field;
  if (particulars.limit !== undefined) metadata["policy"] = particulars.limit.policy.name;
  if (particulars.requestId !== undefined) metadata["request_id"] = particulars.requestId;
  return { reason, domain: ERROR_DOMAIN, metadata };
}

function retryInfo({ particulars }: AuthError): MessageInitShape<typeof RetryInfoSchema> | undefined {
  const wait = retryAfterSeconds(particulars.retryAfterMs);
  return wait === undefined ? undefined : { retryDelay: { seconds: BigInt(wait) } };
}
