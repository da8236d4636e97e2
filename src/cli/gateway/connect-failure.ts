// A Connect error as a command's failure, with the reason that its ErrorInfo names.

import { Code, ConnectError } from "@connectrpc/connect";
import { codeToString } from "@connectrpc/connect/protocol-connect";
import { ErrorInfoSchema, RetryInfoSchema } from "../../../gen/es/google/rpc/error_details_pb.ts";
import type { CommandFailure } from "../output.ts";
import type { Endpoint } from "./endpoint.ts";
import { particularsOf, refusalFailure } from "./refusal.ts";
import { unreachable } from "./unreachable.ts";

/** Turns what a Connect client threw into a CommandFailure. */
export async function connectFailure(error: unknown, endpoint: Endpoint): Promise<CommandFailure> {
  const failure = ConnectError.from(error);
  const code = codeToString(failure.code);
  const [info] = failure.findDetails(ErrorInfoSchema);
  const [retry] = failure.findDetails(RetryInfoSchema);
  if (info === undefined) {
    // Node's errors have a code of their own: there was no answer that a gateway could have given.
    const { cause } = failure;
    if (cause instanceof Error && "code" in cause) return unreachable(endpoint, String(cause.code));
    if (failure.code === Code.DeadlineExceeded) return unreachable(endpoint, code);
  }
  return refusalFailure(info?.reason ?? code, failure.rawMessage, { code, ...particularsOf(info, retry) });
}
