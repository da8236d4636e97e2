// The options of a verifier, and how they are checked. Knows no token.

import type { Expected } from "./claims.ts";

export interface VerifierOptions {
  /** The gateway's COUNTERSIGN_ISSUER, character by character: what `iss` is. */
  readonly issuer: string;
  /** The gateway's COUNTERSIGN_AUDIENCE: what `aud` is. */
  readonly audience: string;
  /** Where the issuer's keys are: `<issuer>/.well-known/jwks.json` unless told. */
  readonly jwksUrl?: string;
  /** Take keys over plain HTTP from elsewhere than this machine. Whoever is on the way can then forge tokens. */
  readonly allowHttp?: boolean;
  /** How far the clocks of issuer and service may be apart, in milliseconds: 5,000 unless told, at most 300,000. */
  readonly clockToleranceMs?: number;
  /**
   * For how long keys are good while the issuer cannot be reached, in milliseconds: a day unless told; Infinity: for ever; 0: for as
   * long as its last answer is kept (30 s to 600 s), and no longer. Time in which a machine sleeps counts only where its monotonic
   * clock has it (on Linux it does not).
   */
  readonly maxStaleMs?: number;
  /** Told of each fetch of the keys that failed, for the service's log. */
  readonly onFetchError?: (error: Error) => void;
  /** The one that fetches keys; `globalThis.fetch` unless told. */
  readonly fetch?: typeof globalThis.fetch;
  /** The clock that tokens are held against, in unix milliseconds; keys age by it too, where it goes further than the other. */
  readonly now?: () => number;
  /** The clock that keys age by, in milliseconds since any moment: the one of `performance` unless told, which nobody sets. */
  readonly monotonicNow?: () => number;
}

/** Options that can be right, with what was not told. */
export interface CheckedOptions extends Expected {
  readonly url: string;
  readonly maxStaleMs: number;
  readonly timeoutMs: number;
}

const JWKS_PATH = "/.well-known/jwks.json";
/** For one fetch of the keys. */
const TIMEOUT_MS = 5_000;
const TOLERANCE_MS = 5_000;
/** More would keep a token of ten minutes alive for half its life again. */
const MAX_TOLERANCE_MS = 300_000;
const DAY_MS = 86_400_000;

/** @throws TypeError that says which option is wrong, and how */
export function readOptions(options: VerifierOptions): CheckedOptions {
  const { clockToleranceMs = TOLERANCE_MS, maxStaleMs = DAY_MS } = options;
  if (!(clockToleranceMs >= 0 && clockToleranceMs <= MAX_TOLERANCE_MS)) {
    throw new TypeError(`clockToleranceMs is not from 0 to ${MAX_TOLERANCE_MS}`);
  }
  if (!(maxStaleMs >= 0)) throw new TypeError("maxStaleMs is not 0 or more");
  const issuer = readText(options, "issuer", "COUNTERSIGN_ISSUER");
  return {
    issuer,
    audience: readText(options, "audience", "COUNTERSIGN_AUDIENCE"),
    clockToleranceMs,
    maxStaleMs,
    url: readUrl(options, issuer),
    timeoutMs: TIMEOUT_MS,
  };
}

function readText(options: VerifierOptions, name: "issuer" | "audience", setting: string): string {
  const value: unknown = options[name];
  if (typeof value !== "string" || value === "") throw new TypeError(`${name} is missing: the gateway's ${setting}`);
  return value;
}

function readUrl({ jwksUrl, allowHttp = false }: VerifierOptions, issuer: string): string {
  const name = jwksUrl === undefined ? "issuer" : "jwksUrl";
  const text = jwksUrl ?? `${issuer.replace(/\/+$/, "")}${JWKS_PATH}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !["http:", "https:"].includes(url.protocol)) {
    const cure =
      jwksUrl === undefined
        ? ". Where the gateway's COUNTERSIGN_ISSUER is none, say by jwksUrl where its keys are"
        : "";
    throw new TypeError(`${name} is no URL of https or http, such as https://login.example${cure}`);
  }
  if (url.username !== "" || url.password !== "") throw new TypeError(`${name} holds a user or a password`);
  if (url.protocol === "http:" && !allowHttp && !isLoopback(url.hostname)) {
    throw new TypeError(
      `${name} is an http:// address, and whoever is on the way could forge the keys: use https://, or set allowHttp where the network is trusted`,
    );
  }
  return url.href;
}

/**
 * Whether it is this machine by every resolver. Names under .localhost are not: RFC 6761, 6.3 asks resolvers to keep them here, and
 * some ask the DNS.
 */
function isLoopback(host: string): boolean {
  return host === "localhost" || host === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(host);
}
