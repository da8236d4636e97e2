// The options of a verifier, checked. Knows no token.

import type { Expected } from "./identity.ts";
import type { VerifierOptions } from "./verifier.ts";

export interface VerifierSettings extends Expected {
  readonly url: string;
  readonly maxStaleMs: number;
  readonly timeoutMs: number;
}

const JWKS_PATH = "/.well-known/jwks.json";
/** For one fetch of the keys. */
const TIMEOUT_MS = 5_000;
const TOLERANCE_SECONDS = 5;
/** More would keep a token of ten minutes alive for half its life again. */
const MAX_TOLERANCE_SECONDS = 300;
const DAY_SECONDS = 86_400;

/** @throws TypeError that says which option is wrong, and how */
export function readSettings(options: VerifierOptions): VerifierSettings {
  const { clockToleranceSeconds = TOLERANCE_SECONDS, maxStaleSeconds = DAY_SECONDS } = options;
  if (!(clockToleranceSeconds >= 0 && clockToleranceSeconds <= MAX_TOLERANCE_SECONDS)) {
    throw new TypeError(`clockToleranceSeconds is not from 0 to ${MAX_TOLERANCE_SECONDS}`);
  }
  if (!(maxStaleSeconds >= 0)) throw new TypeError("maxStaleSeconds is not 0 or more");
  const issuer = readText(options, "issuer", "COUNTERSIGN_ISSUER");
  return {
    issuer,
    audience: readText(options, "audience", "COUNTERSIGN_AUDIENCE"),
    clockToleranceMs: clockToleranceSeconds * 1000,
    maxStaleMs: maxStaleSeconds * 1000,
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
    throw new TypeError(
      `${name} is no https:// address${jwksUrl === undefined ? ": say by jwksUrl where the issuer's keys are" : ""}`,
    );
  }
  if (url.username !== "" || url.password !== "") throw new TypeError(`${name} holds a user or a password`);
  if (url.protocol === "http:" && !allowHttp && !isLoopback(url.hostname)) {
    throw new TypeError(
      `${name} is an http:// address, and whoever is on the way could forge the keys: use https://, or set allowHttp where the network is trusted`,
    );
  }
  return url.href;
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host.endsWith(".localhost") || host === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(host);
}
