// A login over REST, with nothing but fetch.

import type { LoginAnswer, SendLogin } from "./login.ts";
import { CommandFailure } from "./output.ts";

export const sendRest: SendLogin = async (url, login) => {
  const response = await fetch(new URL("/auth/login", url), {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(login),
  }).catch((error: unknown) => {
    throw new CommandFailure(`no gateway answers at ${url} (${causeOf(error)})`);
  });
  const body: unknown = await response.json().catch(() => undefined);
  if (isLogin(body)) return { token: body.token, expires_in: body.expires_in };
  if (isRefusal(body)) throw new CommandFailure(`${body.reason}: ${body.message}`, { ...body });
  throw new CommandFailure(`${url} answered ${response.status}, and not as a gateway does`);
};

function isLogin(body: unknown): body is LoginAnswer {
  return (
    typeof body === "object" &&
    body !== null &&
    "token" in body &&
    typeof body.token === "string" &&
    "expires_in" in body &&
    typeof body.expires_in === "number"
  );
}

function isRefusal(body: unknown): body is { reason: string; message: string } {
  return (
    typeof body === "object" &&
    body !== null &&
    "reason" in body &&
    typeof body.reason === "string" &&
    "message" in body &&
    typeof body.message === "string"
  );
}

function causeOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && "code" in cause ? String(cause.code) : "no connection";
}
