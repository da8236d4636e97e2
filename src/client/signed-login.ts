// One login, signed anew after clock skew, a replay or a lost connection.

import { status } from "@grpc/grpc-js";
import type { LoginResponse } from "../../gen/grpc/countersign/auth/v1/auth.ts";
import type { AuthClient } from "./auth-client.ts";
import type { LoginSigner } from "./login-signer.ts";
import { RpcError } from "./rpc-error.ts";

/** Errors after which a new signature may succeed. */
type Mishap = "clock" | "replay" | "connection";

/**
 * Logs in, with one retry for each kind of mishap.
 * @throws RpcError, or the reason of `signal`
 */
export async function logIn(
  client: Pick<AuthClient, "login">,
  signer: LoginSigner,
  signal: AbortSignal,
): Promise<LoginResponse> {
  const mended = new Set<Mishap>();
  for (;;) {
    try {
      const response = await client.login(signer.sign(), { signal });
      if (response.token !== "" && response.expires_in > 0) return response;
      throw new RpcError(status.INTERNAL, "internal: the answer to a login has no token, or an expires_in of 0");
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      const mishap = mishapOf(error);
      if (mishap === undefined || mended.has(mishap)) throw error;
      mended.add(mishap);
      if (mishap === "clock" && !signer.learn(error.particulars.serverTime ?? 0)) throw error;
    }
  }
}

function mishapOf({ code, reason, particulars }: RpcError): Mishap | undefined {
  if (reason === "clock_skew") return particulars.serverTime === undefined ? undefined : "clock";
  if (reason === "replayed") return "replay";
  return reason === undefined && code === status.UNAVAILABLE ? "connection" : undefined;
}
