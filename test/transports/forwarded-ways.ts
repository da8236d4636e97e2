// Every way to log in with headers of one's own, each telling no more of its answer than whether it was let in.

import { request as openRequest } from "node:http";
import { connect as openHttp2 } from "node:http2";
import { type Client, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { credentials, Metadata } from "@grpc/grpc-js";
import { AuthService } from "../../gen/es/countersign/auth/v1/auth_pb.ts";
import { AuthServiceClient } from "../../gen/grpc/countersign/auth/v1/auth.ts";
import type { signLogin } from "../../src/cli/sign.ts";
import type { TestGateway } from "../gateway.ts";

/** Headers to send, a line for each value. */
export type Lines = Readonly<Record<string, readonly string[]>>;
type Login = ReturnType<typeof signLogin>;

/** One protocol at one listener. */
export interface Way {
  readonly name: string;
  /** Logs in. @returns `ok`, or what the answer says */
  readonly send: (gateway: TestGateway, login: Login, lines: Lines) => Promise<string>;
}

function rest(listener: "publicUrl" | "internalUrl"): Way["send"] {
  return (gateway, login, lines) =>
    new Promise((resolve, reject) => {
      const headers = { "Content-Type": "application/json", ...mutable(lines) };
      const request = openRequest(new URL("/auth/login", gateway[listener]), { method: "POST", headers });
      request.on("error", reject);
      request.on("response", (response) => {
        let body = "";
        response.setEncoding("utf8");
        response.on("data", (part) => {
          body += part;
        });
        response.on("end", () => resolve(response.statusCode === 200 ? "ok" : body));
      });
      request.end(JSON.stringify(login));
    });
}

function restOverHttp2(listener: "publicUrl" | "internalUrl"): Way["send"] {
  return (gateway, login, lines) =>
    new Promise((resolve, reject) => {
      const session = openHttp2(gateway[listener]);
      const stream = session.request({
        ":path": "/auth/login",
        ":method": "POST",
        "content-type": "application/json",
        ...mutable(lines),
      });
      let [status, body] = [0, ""];
      stream.setEncoding("utf8");
      stream.on("response", (headers) => {
        status = headers[":status"] ?? 0;
      });
      stream.on("data", (part) => {
        body += part;
      });
      stream.on("error", reject);
      stream.on("end", () => {
        session.close();
        resolve(status === 200 ? "ok" : body);
      });
      stream.end(JSON.stringify(login));
    });
}

function mutable(lines: Lines): Record<string, string[]> {
  return Object.fromEntries(Object.entries(lines).map(([name, values]) => [name, [...values]]));
}

function byConnect(createAuthClient: (gateway: TestGateway) => Client<typeof AuthService>): Way["send"] {
  return async (gateway, login, lines) => {
    const headers = new Headers();
    for (const [name, values] of Object.entries(lines)) for (const value of values) headers.append(name, value);
    const { device_key, timestamp, device_signature } = login;
    try {
      await createAuthClient(gateway).login(
        { deviceKey: device_key, timestamp: BigInt(timestamp), deviceSignature: device_signature },
        { headers },
      );
      return "ok";
    } catch (error) {
      return ConnectError.from(error).rawMessage;
    }
  };
}

function byGrpcJs(gateway: TestGateway, login: Login, lines: Lines): Promise<string> {
  const metadata = new Metadata();
  for (const [name, values] of Object.entries(lines)) for (const value of values) metadata.add(name, value);
  const client = new AuthServiceClient(new URL(gateway.internalUrl).host, credentials.createInsecure());
  return new Promise((resolve) => {
    client.login(login, metadata, (error) => {
      client.close();
      resolve(error === null ? "ok" : error.details);
    });
  });
}

const http1 = { httpVersion: "1.1" } as const;
export const ways: readonly Way[] = [
  { name: "REST", send: rest("publicUrl") },
  { name: "REST on the internal listener", send: rest("internalUrl") },
  { name: "REST over HTTP/2", send: restOverHttp2("publicUrl") },
  { name: "REST beside native gRPC", send: restOverHttp2("internalUrl") },
  {
    name: "Connect",
    send: byConnect(({ publicUrl }) =>
      createClient(AuthService, createConnectTransport({ baseUrl: publicUrl, ...http1 })),
    ),
  },
  {
    name: "gRPC-Web",
    send: byConnect(({ publicUrl }) =>
      createClient(AuthService, createGrpcWebTransport({ baseUrl: publicUrl, ...http1 })),
    ),
  },
  {
    name: "gRPC on the public listener",
    send: byConnect(({ publicUrl }) => createClient(AuthService, createGrpcTransport({ baseUrl: publicUrl }))),
  },
  { name: "native gRPC", send: byGrpcJs },
];
