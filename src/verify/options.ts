// The options of a verifier, and their checks.

export interface VerifierOptions {
  /** The gateway's COUNTERSIGN_ISSUER, character by character: the claim `iss`. */
  readonly issuer: string;
  /** The gateway's COUNTERSIGN_AUDIENCE: the claim `aud`. */
  readonly audience: string;
  /** URL of the issuer's keys; `<issuer>/.well-known/jwks.json` by default. */
  readonly jwksUrl?: string;
  /** Allows to fetch keys over plain HTTP from other machines. Anyone on the path can then forge tokens. */
  readonly allowHttp?: boolean;
  /** Allowed difference between the clocks of issuer and service, in milliseconds: 5,000 by default, at most 300,000. */
  readonly clockToleranceMs?: number;
  /** How long cached keys are used while the issuer is away, in milliseconds: a day by default; Infinity: for ever. */
  readonly maxStaleMs?: number;
  /** Called with the error of each failed fetch of the keys. */
  readonly onFetchError?: (error: unknown) => void;
  /** Fetches the keys; `globalThis.fetch` by default. */
  readonly fetch?: typeof globalThis.fetch;
  /** The clock, in Unix milliseconds. */
  readonly now?: () => number;
}

export interface CheckedOptions {
  readonly issuer: string;
  readonly audience: string;
  readonly clockToleranceMs: number;
  readonly url: string;
  readonly maxStaleMs: number;
}

const JWKS_PATH = "/.well-known/jwks.json";
const TOLERANCE_MS = 5_000;
/** A larger tolerance would extend a token of ten minutes by more than half. */
const MAX_TOLERANCE_MS = 300_000;
const DAY_MS = 86_400_000;

/** @throws TypeError naming the wrong option */
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
    const cure = jwksUrl === undefined ? ". If the gateway's COUNTERSIGN_ISSUER is not a URL, set jwksUrl" : "";
    throw new TypeError(`${name} is not an https or http URL, such as https://login.example${cure}`);
  }
  if (url.username !== "" || url.password !== "") throw new TypeError(`${name} holds a user or a password`);
  if (url.protocol === "http:" && !allowHttp && !isLoopback(url.hostname)) {
    throw new TypeError(
      `${name} is an http:// address, and anyone on the path could forge the keys: use https://, or set allowHttp if the network is trusted`,
    );
  }
  return url.href;
}

/** Whether a host is always this machine. Names under .localhost are not: a resolver may ask the DNS (RFC 6761, 6.3). */
function isLoopback(host: string): boolean {
  return host === "localhost" || host === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(host);
}
