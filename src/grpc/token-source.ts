// A device's token, always at hand: logs in when asked first, renews ahead of expiry, waits when told to. Has no timer.

import { type AuthClient, createAuthClient, type GatewayClientOptions } from "./auth-client.ts";
import { systemClock } from "./clock.ts";
import { createLoginSigner, type LoginSignerOptions } from "./login-signer.ts";
import { pauseAfter, renewedAfter, usableFor } from "./refresh-times.ts";
import { RpcError } from "./rpc-error.ts";
import { logIn } from "./signed-login.ts";
import { startStopwatch } from "./stopwatch.ts";

/** Where services look for a token. */
export const TOKEN_HEADER = "x-access-token";

export type TokenSourceOptions = LoginSignerOptions &
  ({ readonly client: Pick<AuthClient, "login"> } | GatewayClientOptions) & {
    /** The share of a token's life that is left when it is renewed, once to twice: 0.2 by default, 0.4 at most. */
    readonly refreshAhead?: number;
    /** Told of a renewal that failed while the present token was still good: nobody else hears of it. */
    readonly onRefreshError?: (error: unknown) => void;
    /** From 0 to below 1; Math.random when absent. */
    readonly random?: () => number;
  };

export interface TokenSource {
  /**
   * The present token; a new one where there is none. However many ask, there is one login at a time.
   * @throws RpcError why there is none, at once where the gateway said to wait; or the reason of `signal`, which ends this wait alone
   */
  token(options?: { readonly signal?: AbortSignal }): Promise<string>;
  /** The header that carries the token, for fetch. @throws what `token` does */
  headers(options?: { readonly signal?: AbortSignal }): Promise<{ [TOKEN_HEADER]: string }>;
  /** A service refused this token: another one is had as soon as this one is ten seconds old. */
  invalidate(token: string): void;
  /** Ends what is under way; no token is given any more. */
  close(): void;
}

interface Held {
  readonly token: string;
  readonly age: () => number;
  readonly usableMs: number;
  readonly renewedMs: number;
  refused: boolean;
}

interface Pause {
  readonly age: () => number;
  readonly ms: number;
  readonly error: unknown;
}

/** A service that refuses a token this young will refuse the next one too: logins for its sake use up everyone's. */
const YOUNG_MS = 10_000;

/** Connects when first asked. @throws TypeError or RangeError, naming the option that is wrong */
export function createTokenSource(options: TokenSourceOptions): TokenSource {
  const { refreshAhead = 0.2, onRefreshError = () => {}, now = systemClock, random = Math.random } = options;
  if (!(refreshAhead > 0 && refreshAhead <= 0.4)) throw new RangeError("refreshAhead is above 0 and no more than 0.4");
  const signer = createLoginSigner(options);
  const { client, letGo } = clientOf(options);
  const closing = new AbortController();

  let held: Held | undefined;
  let pause: Pause | undefined;
  let failures = 0;
  let flight: Promise<string> | undefined;

  const usable = (): Held | undefined => (held !== undefined && held.age() < held.usableMs ? held : undefined);

  async function renew(): Promise<string> {
    // Counted from before it was asked for: a token is never older than that.
    const age = startStopwatch(now);
    try {
      const { token, expires_in } = await logIn(client, signer, closing.signal);
      const lifeMs = expires_in * 1000;
      const renewedMs = renewedAfter(lifeMs, refreshAhead, random());
      held = { token, age, usableMs: usableFor(lifeMs), renewedMs, refused: false };
      pause = undefined;
      failures = 0;
      return token;
    } catch (error) {
      failures++;
      const retryAfterMs = error instanceof RpcError ? (error.particulars.retryAfterMs ?? 0) : 0;
      pause = { age: startStopwatch(now), ms: pauseAfter(failures, retryAfterMs, random()), error };
      if (usable() !== undefined && !closing.signal.aborted) onRefreshError(error);
      throw error;
    } finally {
      flight = undefined;
    }
  }

  /** One at a time, and none before the wait is over. */
  async function renewed(): Promise<string> {
    const left = pause === undefined ? 0 : pause.ms - pause.age();
    if (pause !== undefined && left > 0) throw withWait(pause.error, left);
    flight ??= renew();
    return flight;
  }

  async function current(): Promise<string> {
    closing.signal.throwIfAborted();
    const present = usable();
    if (present === undefined) return renewed();
    // A token that one service refused may do for others: it is better than none.
    if (present.refused && present.age() >= YOUNG_MS) return renewed().catch(() => present.token);
    if (present.age() >= present.renewedMs) renewed().catch(() => {});
    return present.token;
  }

  async function token({ signal }: { readonly signal?: AbortSignal } = {}): Promise<string> {
    signal?.throwIfAborted();
    return signal === undefined ? current() : unlessAborted(current(), signal);
  }

  return {
    token,
    headers: async (options) => ({ [TOKEN_HEADER]: await token(options) }),
    invalidate(refused) {
      if (held?.token === refused) held.refused = true;
    },
    close() {
      closing.abort(new Error("this token source is closed"));
      letGo();
    },
  };
}

/** Its own client goes with the source; one that it was handed stays. */
function clientOf(options: TokenSourceOptions): { client: Pick<AuthClient, "login">; letGo: () => void } {
  if ("client" in options) return { client: options.client, letGo: () => {} };
  const client = createAuthClient(options);
  return { client, letGo: client.close };
}

/** The same failure, with the wait that is left of it. */
function withWait(error: unknown, leftMs: number): unknown {
  if (!(error instanceof RpcError)) return error;
  const { code, message, reason, particulars } = error;
  return new RpcError(code, message, reason, { ...particulars, retryAfterMs: Math.ceil(leftMs) });
}

async function unlessAborted<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
  let abandon = (): void => {};
  const aborted = new Promise<never>((_resolve, reject) => {
    abandon = () => reject(signal.reason);
  });
  signal.addEventListener("abort", abandon, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", abandon);
  }
}
