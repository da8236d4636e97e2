// A login over Connect or gRPC-Web, with Connect's client.

import { createClient, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { AuthService } from "../../../gen/es/countersign/auth/v1/auth_pb.ts";
import { connectFailure } from "../gateway/connect-failure.ts";
import { transportOptions } from "../gateway/connect-transport.ts";
import type { Endpoint } from "../gateway/endpoint.ts";
import type { SignedLogin } from "../sign.ts";
import type { LoginAnswer, SendLogin } from "./login.ts";

export const sendConnect: SendLogin = (endpoint, login) =>
  send(createConnectTransport(transportOptions(endpoint)), endpoint, login);

export const sendGrpcWeb: SendLogin = (endpoint, login) =>
  send(createGrpcWebTransport(transportOptions(endpoint)), endpoint, login);

async function send(transport: Transport, endpoint: Endpoint, login: SignedLogin): Promise<LoginAnswer> {
  const client = createClient(AuthService, transport);
  const { token, expiresIn } = await client
    .login({ deviceKey: login.device_key, timestamp: BigInt(login.timestamp), deviceSignature: login.device_signature })
    .catch(async (error: unknown) => {
      throw await connectFailure(error, endpoint);
    });
  return { token, expires_in: expiresIn };
}
