// A Connect error as a command's failure, with the reason that its ErrorInfo names.

import { Code, ConnectError } from "@connectrpc/connect";
import { codeToString } from "@connectrpc/connect/protocol-connect";
import { ErrorInfoSchema } from "../../gen/es/google/rpc/error_details_pb.ts";
import { CommandFailure } from "./output.ts";

/** Turns what a Connect client threw into a CommandFailure. */
export function connectFailure(error: unknown): CommandFailure {
  const failure = ConnectError.from(error);
  const code = codeToString(failure.code);
  const [info] = failure.findDetails(ErrorInfoSchema);
  if (info === undefined && failure.code === Code.Unavailable) {
    return new CommandFailure(`no gateway answers (${failure.rawMessage})`, { code });
  }
  const reason = info?.reason ?? code;
  return new CommandFailure(`${reason}: ${failure.rawMessage}`, { code, reason, ...info?.metadata });
}
