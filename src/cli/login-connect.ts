// A login over Connect or gRPC-Web, with Connect's client.

import { createClient, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { AuthService } from "../../gen/es/countersign/auth/v1/auth_pb.ts";
import { connectFailure } from "./connect-failure.ts";
import type { LoginAnswer, SendLogin } from "./login.ts";
import type { SignedLogin } from "./sign.ts";

export const sendConnect: SendLogin = (url, login) =>
  send(createConnectTransport({ baseUrl: url, httpVersion: "1.1" }), login);

export const sendGrpcWeb: SendLogin = (url, login) =>
  send(createGrpcWebTransport({ baseUrl: url, httpVersion: "1.1" }), login);

async function send(transport: Transport, login: SignedLogin): Promise<LoginAnswer> {
  const client = createClient(AuthService, transport);
  const { token, expiresIn } = await client
    .login({ deviceKey: login.device_key, timestamp: BigInt(login.timestamp), deviceSignature: login.device_signature })
    .catch((error: unknown) => {
      throw connectFailure(error);
    });
  return { token, expires_in: expiresIn };
}
