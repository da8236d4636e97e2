// A login over REST, with nothing but Node's HTTP client.

import { request as requestPlain } from "node:http";
import { request as requestSecure } from "node:https";
import { text } from "node:stream/consumers";
import { DEADLINE_MS, type Endpoint } from "../gateway/endpoint.ts";
import { refusalFailure } from "../gateway/refusal.ts";
import { unreachable } from "../gateway/unreachable.ts";
import { CommandFailure } from "../output.ts";
import type { LoginAnswer, SendLogin } from "./login.ts";

export const sendRest: SendLogin = async (endpoint, login) => {
  const { status, body } = await post(endpoint, JSON.stringify(login)).catch(async (error: unknown) => {
    throw await unreachable(endpoint, causeOf(error));
  });
  if (isLogin(body)) return { token: body.token, expires_in: body.expires_in };
  if (isRefusal(body)) throw refusalFailure(body.reason, body.message, { ...body });
  throw new CommandFailure(`${new URL(endpoint.url).origin} answered ${status}, and not as a gateway does`);
};

function post({ url, tls }: Endpoint, body: string): Promise<{ status: number | undefined; body: unknown }> {
  const to = new URL("/auth/login", url);
  const options = {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    signal: AbortSignal.timeout(DEADLINE_MS),
  };
  return new Promise((resolve, reject) => {
    const call = tls === undefined ? requestPlain(to, options) : requestSecure(to, { ...options, ...tls });
    call.on("error", reject);
    call.on("response", (response) => {
      text(response).then((answer) => resolve({ status: response.statusCode, body: parse(answer) }), reject);
    });
    call.end(body);
  });
}

function parse(answer: string): unknown {
  try {
    return JSON.parse(answer);
  } catch {
    return undefined;
  }
}

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
  const code = error instanceof Error && "code" in error ? String(error.code) : "no connection";
  return code === "ABORT_ERR" ? "deadline_exceeded" : code;
}
