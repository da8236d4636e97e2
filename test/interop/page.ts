// Logs in by connect-web and fetch, in a page that web.test.ts bundles.

import { fromJson } from "@bufbuild/protobuf";
import { ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import { AuthService, LoginRequestSchema } from "../../gen/es/countersign/auth/v1/auth_pb.ts";
import { ErrorInfoSchema } from "../../gen/es/google/rpc/error_details_pb.ts";
import type { LoginBody } from "../../src/cli/sign.ts";

/** @returns the logins left after a login, or the reason of its error, as far as the page can read them */
async function byConnect(transport: Transport, login: LoginBody): Promise<string> {
  let remaining: string | null = null;
  const onHeader = (headers: Headers): void => {
    remaining = headers.get("x-ratelimit-remaining");
  };
  try {
    const { token } = await createClient(AuthService, transport).login(fromJson(LoginRequestSchema, { ...login }), {
      onHeader,
    });
    return token === "" ? "no token" : `remaining ${remaining}`;
  } catch (error) {
    return ConnectError.from(error).findDetails(ErrorInfoSchema)[0]?.reason ?? "unreadable";
  }
}

async function byFetch(url: string, login: LoginBody): Promise<string> {
  const headers = { "Content-Type": "application/json" };
  const answer = await fetch(`${url}/auth/login`, { method: "POST", headers, body: JSON.stringify(login) });
  const { token, reason } = Object(await answer.json());
  return token === undefined ? reason : `remaining ${answer.headers.get("x-ratelimit-remaining")}`;
}

/** The outcome of a right and of a wrong login in each protocol, and the status of each document. */
export async function logInFromPage(url: string, login: LoginBody): Promise<Readonly<Record<string, string>>> {
  const ways = {
    Connect: (one: LoginBody) => byConnect(createConnectTransport({ baseUrl: url }), one),
    "gRPC-Web": (one: LoginBody) => byConnect(createGrpcWebTransport({ baseUrl: url }), one),
    REST: (one: LoginBody) => byFetch(url, one).catch(() => "unreadable"),
  };
  const outcome: Record<string, string> = {};
  const wrong = { ...login, device_signature: "0".repeat(64) };
  for (const [name, logIn] of Object.entries(ways)) outcome[name] = `${await logIn(login)}, ${await logIn(wrong)}`;
  for (const path of ["/.well-known/jwks.json", "/.well-known/oauth-authorization-server", "/openapi.json"])
    outcome[path] = String((await fetch(url + path)).status);
  return outcome;
}
