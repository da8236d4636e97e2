// A gateway's refusal as a command's failure: the same, whichever protocol brought it. Knows no protocol.

import type { ErrorInfo, RetryInfo } from "../../../gen/es/google/rpc/error_details_pb.ts";
import { CommandFailure } from "../output.ts";

/** What the messages speak of by name, with the unit of each. */
const TOLD = { server_time: "", retry_after: " s", request_id: "" };

/** The failure that tells of a refusal, with the values that its message only names. */
export function refusalFailure(
  reason: string,
  message: string,
  details: Readonly<Record<string, unknown>>,
): CommandFailure {
  const values = Object.entries(TOLD)
    .filter(([name]) => details[name] !== undefined)
    .map(([name, unit]) => `${name} ${details[name]}${unit}`);
  return new CommandFailure(`${reason}: ${message}${values.length > 0 ? ` (${values.join(", ")})` : ""}`, {
    ...details,
    reason,
  });
}

/** The particulars that REST has in its body, from the messages that carry them elsewhere. */
export function particularsOf(info: ErrorInfo | undefined, retry: RetryInfo | undefined): Record<string, unknown> {
  const serverTime = info?.metadata["server_time"];
  return {
    ...info?.metadata,
    ...(serverTime !== undefined && { server_time: Number(serverTime) }),
    ...(retry?.retryDelay !== undefined && { retry_after: Number(retry.retryDelay.seconds) }),
  };
}
