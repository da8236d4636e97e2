// A page that logs in with connect-web and fetch. web.ts bundles it and reads the result of `logInFromPage`.

import { ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import { AuthService } from "../../gen/es/countersign/auth/v1/auth_pb.ts";
import { ErrorInfoSchema } from "../../gen/es/google/rpc/error_details_pb.ts";
import type { LoginBody } from "../../src/cli/sign.ts";

/** For each way of calling: the logins left after a login, and the reason of a wrong login, as far as the page can read them. */
export type Outcome = Readonly<Record<string, string>>;

async function byConnect(transport: Transport, login: LoginBody): Promise<string> {
  const { device_key: deviceKey, timestamp, device_signature: deviceSignature } = login;
  let remaining = "";
  const onHeader = (headers: Headers): void => {
    remaining = headers.get("x-ratelimit-remaining") ?? "hidden";
  };
  try {
    const request = { deviceKey, timestamp: BigInt(timestamp), deviceSignature };
    const { token } = await createClient(AuthService, transport).login(request, { onHeader });
    return token === "" ? "no token" : `remaining ${remaining}`;
  } catch (error) {
    return ConnectError.from(error).findDetails(ErrorInfoSchema)[0]?.reason ?? "unreadable";
  }
}

async function byFetch(url: string, login: LoginBody): Promise<string> {
  try {
    const headers = { "Content-Type": "application/json" };
    const answer = await fetch(`${url}/auth/login`, { method: "POST", headers, body: JSON.stringify(login) });
    const { token, reason }: { token?: string; reason: string } = JSON.parse(await answer.text());
    return token === undefined ? reason : `remaining ${answer.headers.get("x-ratelimit-remaining") ?? "hidden"}`;
  } catch {
    return "unreadable";
  }
}

async function logInFromPage(url: string, login: LoginBody): Promise<Outcome> {
  const wrong = { ...login, device_signature: "0".repeat(64) };
  const ways = {
    Connect: (one: LoginBody) => byConnect(createConnectTransport({ baseUrl: url }), one),
    "gRPC-Web": (one: LoginBody) => byConnect(createGrpcWebTransport({ baseUrl: url }), one),
    REST: (one: LoginBody) => byFetch(url, one),
  };
  const outcome: Record<string, string> = {};
  for (const [name, logIn] of Object.entries(ways)) outcome[name] = `${await logIn(login)}, ${await logIn(wrong)}`;
  for (const path of ["/.well-known/jwks.json", "/.well-known/oauth-authorization-server", "/openapi.json"]) {
    outcome[path] = await fetch(url + path).then(
      ({ status }) => String(status),
      () => "unreadable",
    );
  }
  return outcome;
}

Object.assign(globalThis, { logInFromPage });
