// Keeps a device's token: logs in, renews before expiry, waits after failures. Has no timer.

import { type AuthClient, createAuthClient, type GatewayClientOptions } from "./auth-client.ts";
import { systemClock } from "./clock.ts";
import { createLoginSigner, type LoginSignerOptions, logIn } from "./login-signer.ts";
import { RpcError } from "./rpc-error.ts";

/** The header of a token. */
export const TOKEN_HEADER = "x-access-token";

export type TokenSourceOptions = LoginSignerOptions &
  ({ readonly client: Pick<AuthClient, "login"> } | GatewayClientOptions) & {
    /** A token is renewed when one to two times this share of its life is left. 0.2 by default, at most 0.4. */
    readonly refreshAhead?: number;
    /** Called with the error of a renewal that failed while the present token was still valid. */
    readonly onRefreshError?: (error: unknown) => void;
    /** From 0 to below 1; Math.random when absent. */
    readonly random?: () => number;
  };

export interface TokenSource {
  /**
   * Returns the present token, or logs in for a new one. Concurrent calls share one login.
   * @throws RpcError; during the wait after a failed login, the error of that login
   */
  token(): Promise<string>;
  /** The header that carries the token, for fetch. @throws what `token` does */
  headers(): Promise<{ [TOKEN_HEADER]: string }>;
  /** Reports that a service refused this token. The source replaces it when it is ten seconds old. */
  invalidate(token: string): void;
  /** Ends running calls; later calls fail. */
  close(): void;
}

interface Held {
  readonly token: string;
  readonly since: number;
  readonly usableMs: number;
  readonly renewedMs: number;
  refused: boolean;
}

interface Pause {
  readonly until: number;
  readonly error: unknown;
}

/** A service that refuses such a young token will refuse the next one too, and each login counts against the limit. */
const YOUNG_MS = 10_000;

/** Connects when first asked. @throws TypeError or RangeError, naming the option that is wrong */
export function createTokenSource(options: TokenSourceOptions): TokenSource {
  const { refreshAhead = 0.2, onRefreshError = () => {}, now = systemClock, random = Math.random } = options;
  if (!(refreshAhead > 0 && refreshAhead <= 0.4)) throw new RangeError("refreshAhead is above 0 and at most 0.4");
  const signer = createLoginSigner(options);
  const { client, release } = clientOf(options);
  const closing = new AbortController();

  let held: Held | undefined;
  let pause: Pause | undefined;
  let failures = 0;
  let flight: Promise<string> | undefined;

  // A clock that was set back counts like one that was set forward.
  const age = ({ since }: Held): number => Math.abs(now() - since);
  const usable = (): Held | undefined => (held !== undefined && age(held) < held.usableMs ? held : undefined);

  async function renew(): Promise<string> {
    const since = now();
    try {
      const { token, expires_in } = await logIn(client, signer, closing.signal);
      const lifeMs = expires_in * 1000;
      const renewedMs = renewedAfter(lifeMs, refreshAhead, random());
      held = { token, since, usableMs: usableFor(lifeMs), renewedMs, refused: false };
      pause = undefined;
      failures = 0;
      return token;
    } catch (error) {
      failures++;
      const retryAfterMs = error instanceof RpcError ? (error.details.retryAfterMs ?? 0) : 0;
      pause = { until: now() + pauseAfter(failures, retryAfterMs, random()), error };
      if (usable() !== undefined && !closing.signal.aborted) onRefreshError(error);
      throw error;
    } finally {
      flight = undefined;
    }
  }

  /** Renews the token: one login at a time, and none before the wait is over. */
  async function renewed(): Promise<string> {
    const left = pause === undefined ? 0 : pause.until - now();
    if (pause !== undefined && left > 0) throw pause.error;
    flight ??= renew();
    return flight;
  }

  async function token(): Promise<string> {
    closing.signal.throwIfAborted();
    const present = usable();
    if (present === undefined) return renewed();
    // Other services may accept a token that one service refused.
    if (present.refused && age(present) >= YOUNG_MS) return renewed().catch(() => present.token);
    if (age(present) >= present.renewedMs) renewed().catch(() => {});
    return present.token;
  }

  return {
    token,
    headers: async () => ({ [TOKEN_HEADER]: await token() }),
    invalidate(refused) {
      if (held?.token === refused) held.refused = true;
    },
    close() {
      closing.abort(new Error("this token source is closed"));
      release();
    },
  };
}

/** `release` closes the source's own client, and leaves a client of the options open. */
function clientOf(options: TokenSourceOptions): { client: Pick<AuthClient, "login">; release: () => void } {
  if ("client" in options) return { client: options.client, release: () => {} };
  const client = createAuthClient(options);
  return { client, release: client.close };
}

/** The source returns no token this close to its expiry: it could expire in transit. */
const IN_TRANSIT_MS = 5_000;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;

/** How long a token of `lifeMs` is used, in milliseconds: its life less 5 s, or less a tenth if that is shorter. */
export function usableFor(lifeMs: number): number {
  return lifeMs - Math.min(IN_TRANSIT_MS, lifeMs / 10);
}

/**
 * How long after its login a token is renewed, in milliseconds: one to two times `ahead` before the end. `ahead` is a share of its life.
 * @param random from 0 to below 1; spreads clients that started together
 */
export function renewedAfter(lifeMs: number, ahead: number, random: number): number {
  return lifeMs * (1 - ahead * (1 + random));
}

/**
 * The wait after the nth failure in a row: 1 s, doubled each time up to a minute, minus a random part of up to half. It is at
 * least `retryAfterMs`, plus a random part of up to a tenth.
 */
export function pauseAfter(failures: number, retryAfterMs: number, random: number): number {
  const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (failures - 1)) * (1 - random / 2);
  return Math.max(pause, retryAfterMs * (1 + random / 10));
}
