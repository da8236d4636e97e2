// A login over Connect, gRPC-Web or gRPC.

import { ConnectError, createClient, type Transport } from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
  Http2SessionManager,
} from "@connectrpc/connect-node";
import { AuthService } from "../../gen/es/countersign/auth/v1/auth_pb.ts";
import { type Endpoint, transportOptions } from "./gateway/endpoint.ts";
import { connectFailure } from "./gateway/failures.ts";
import type { SignedLogin } from "./sign.ts";

/** Sends a signed login. @throws CommandFailure with the gateway's reason */
export async function sendRpc(
  via: "connect" | "grpc" | "grpc-web",
  endpoint: Endpoint,
  login: SignedLogin,
): Promise<{ token: string; expires_in: number }> {
  const sessionManager = new Http2SessionManager(endpoint.url, {}, { ...endpoint.tls });
  const transports: Record<typeof via, () => Transport> = {
    connect: () => createConnectTransport({ ...transportOptions(endpoint), httpVersion: "1.1" }),
    "grpc-web": () => createGrpcWebTransport({ ...transportOptions(endpoint), httpVersion: "1.1" }),
    grpc: () => createGrpcTransport({ ...transportOptions(endpoint), sessionManager }),
  };
  try {
    const { token, expiresIn } = await createClient(AuthService, transports[via]()).login({
      deviceKey: login.device_key,
      timestamp: BigInt(login.timestamp),
      deviceSignature: login.device_signature,
    });
    return { token, expires_in: expiresIn };
  } catch (error) {
    throw connectFailure(ConnectError.from(error), endpoint);
  } finally {
    // An open HTTP/2 session would keep the process alive.
    sessionManager.abort();
  }
}
