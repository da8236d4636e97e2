// One login, signed anew where that helps: for another time, another second, or a connection that was lost. Keeps no token.

import { status } from "@grpc/grpc-js";
import type { LoginResponse } from "../../gen/grpc/countersign/auth/v1/auth.ts";
import type { AuthClient } from "./auth-client.ts";
import type { LoginSigner } from "./login-signer.ts";
import { RpcError } from "./rpc-error.ts";

/** What is mended by signing anew. */
type Mishap = "clock" | "replay" | "connection";

/**
 * Logs in. Each mishap is mended once: one that comes again is no accident.
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
      throw new RpcError(
        status.INTERNAL,
        "internal: the answer to a login has no token, or one that is good for no time",
      );
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      const mishap = mishapOf(error);
      if (mishap === undefined || mended.has(mishap)) throw error;
      mended.add(mishap);
      if (mishap === "clock") learnFrom(error, signer);
    }
  }
}

/** No other refusal sets a clock, whatever it carries. @throws RpcError where the time that is told cannot be true */
function learnFrom({ code, message, reason, particulars }: RpcError, signer: LoginSigner): void {
  try {
    signer.learn(particulars.serverTime ?? Number.NaN);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new RpcError(code, `${message}. But ${error.message}`, reason, particulars);
  }
}

function mishapOf({ code, reason, particulars }: RpcError): Mishap | undefined {
  if (reason === "clock_skew") return particulars.serverTime === undefined ? undefined : "clock";
  if (reason === "replayed") return "replay";
  return reason === undefined && code === status.UNAVAILABLE ? "connection" : undefined;
}
