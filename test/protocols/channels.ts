// Clients of every protocol, whose login answers share one form.

import { ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import { AuthService } from "../../gen/es/countersign/auth/v1/auth_pb.ts";
import { ErrorInfoSchema, RetryInfoSchema } from "../../gen/es/google/rpc/error_details_pb.ts";
import { AuthServiceClient, type LoginResponse } from "../../gen/grpc/countersign/auth/v1/auth.ts";
import type { LoginBody } from "../../src/cli/sign.ts";
import { postLogin } from "../gateway.ts";
import { exchange } from "../http/raw-http.ts";
import { readStatus } from "./hand.ts";

type CreateTransport = (baseUrl: string) => Transport;

/** By name: a protocol, an encoding, and a version of HTTP. */
export const transports: Readonly<Record<string, CreateTransport>> = {
  "Connect with JSON over HTTP/1.1": (baseUrl) =>
    createConnectTransport({ baseUrl, httpVersion: "1.1", useBinaryFormat: false }),
  "Connect with protobuf over HTTP/2": (baseUrl) =>
    createConnectTransport({ baseUrl, httpVersion: "2", useBinaryFormat: true }),
  "gRPC-Web over HTTP/1.1": (baseUrl) => createGrpcWebTransport({ baseUrl, httpVersion: "1.1" }),
  "gRPC-Web over HTTP/2": (baseUrl) => createGrpcWebTransport({ baseUrl, httpVersion: "2" }),
  gRPC: (baseUrl) => createGrpcTransport({ baseUrl }),
};

/** A login; an absent field is not sent. */
export type LoginFields = Partial<LoginBody>;

/** An answer, in the form that all protocols share. */
export interface Answer {
  /** `ok` or the reason. */
  readonly outcome: string;
  readonly message?: string;
  /** The error's details: server_time, field, policy. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly retryAfter?: number;
  /** The headers that the contract names, by lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  readonly token?: string;
  readonly expiresIn?: number;
}

/** A client of one protocol, connected to one listener. */
export interface Session {
  readonly send: (login: LoginFields) => Promise<Answer>;
  readonly close: () => void;
}

export interface Channel {
  readonly name: string;
  readonly open: (url: string) => Session;
}

function pick(headers: Iterable<readonly [string, string]>): Record<string, string> {
  const named = [...headers].map(([name, value]) => [name.toLowerCase(), value] as const);
  return Object.fromEntries(named.filter(([name]) => /ratelimit|^retry-after$|^www-authenticate$/.test(name)).sort());
}

async function sendHttp10(url: string, login: LoginFields): Promise<Answer> {
  const body = JSON.stringify(login);
  const head = `POST /auth/login HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}`;
  const answer = await exchange(url, `${head}\r\n\r\n${body}`);
  return readRest(answer.headers, answer.body);
}

async function sendHttp11(url: string, login: LoginFields): Promise<Answer> {
  const answer = await postLogin(url, login);
  return readRest(answer.headers, await answer.text());
}

function readRest(fields: Iterable<readonly [string, string]>, body: string): Answer {
  const { token, expires_in, code, reason, message, retry_after, ...details } = JSON.parse(body);
  const headers = pick(fields);
  if (token !== undefined) return { outcome: "ok", metadata: {}, headers, token, expiresIn: expires_in };
  if (typeof code !== "string") throw new TypeError(`no code in ${body}`);
  const metadata = Object.fromEntries(Object.entries(details).map(([name, value]) => [name, String(value)]));
  return { outcome: reason, message, metadata, headers, ...(retry_after !== undefined && { retryAfter: retry_after }) };
}

const rest = (send: (url: string, login: LoginFields) => Promise<Answer>): Channel["open"] => {
  return (url) => ({ send: (login) => send(url, login), close: () => {} });
};

function connect(createTransport: CreateTransport): Channel["open"] {
  return (url) => {
    const client = createClient(AuthService, createTransport(url));
    return {
      async send({ device_key: deviceKey, timestamp, device_signature: deviceSignature }) {
        const login = {
          ...(deviceKey !== undefined && { deviceKey }),
          ...(timestamp !== undefined && { timestamp: BigInt(timestamp) }),
          ...(deviceSignature !== undefined && { deviceSignature }),
        };
        let headers: Record<string, string> = {};
        const onHeader = (fields: Headers): void => {
          headers = pick(fields);
        };
        try {
          const { token, expiresIn } = await client.login(login, { onHeader });
          return { outcome: "ok", metadata: {}, headers, token, expiresIn };
        } catch (thrown) {
          const error = ConnectError.from(thrown);
          return errorAnswer(error, pick(error.metadata));
        }
      },
      close: () => {},
    };
  };
}

function errorAnswer(error: ConnectError, headers: Record<string, string>): Answer {
  const [info] = error.findDetails(ErrorInfoSchema);
  if (info === undefined) throw new Error(`an error without ErrorInfo: ${error.message}`);
  const wait = error.findDetails(RetryInfoSchema)[0]?.retryDelay?.seconds;
  const { reason: outcome, metadata } = info;
  const retryAfter = wait !== undefined && { retryAfter: Number(wait) };
  return { outcome, message: error.rawMessage, metadata: { ...metadata }, headers, ...retryAfter };
}

function grpcJs(url: string): Session {
  const client = new AuthServiceClient(new URL(url).host, credentials.createInsecure());
  return {
    async send(login) {
      const { promise, resolve } = Promise.withResolvers<LoginResponse | ServiceError>();
      let headers: Record<string, string> = {};
      const request = { device_key: "", device_signature: "", timestamp: undefined, ...login };
      client
        .login(request, new Metadata(), (error, response) => resolve(error ?? response))
        .on("metadata", (metadata) => {
          headers = pickMetadata(metadata);
        });
      const answer = await promise;
      if (answer instanceof Error) return errorAnswer(readGrpcError(answer), headers);
      return { outcome: "ok", metadata: {}, headers, token: answer.token, expiresIn: answer.expires_in };
    },
    close: () => client.close(),
  };
}

/** Reads the details of an error, whose headers have to be initial metadata. */
function readGrpcError({ details: message, metadata }: ServiceError): ConnectError {
  const [bytes] = metadata.get("grpc-status-details-bin");
  if (!Buffer.isBuffer(bytes)) throw new Error(`an error without details: ${message}`);
  const trailers = Object.keys(pickMetadata(metadata));
  if (trailers.length > 0) throw new Error(`headers among the trailers: ${trailers}`);
  return readStatus(bytes, message);
}

function pickMetadata(metadata: Metadata): Record<string, string> {
  return pick(Object.entries(metadata.getMap()).map(([name, value]) => [name, value.toString()]));
}

/** Each channel, and the oracle that speaks its protocol; none speaks REST. */
export const channels: readonly (Channel & { readonly oracle?: "http1" | "http2" | "grpcJs" })[] = [
  { name: "REST over HTTP/1.0", open: rest(sendHttp10) },
  { name: "REST over HTTP/1.1", open: rest(sendHttp11) },
  ...Object.entries(transports).map(([name, createTransport]) => ({
    name,
    oracle: name.endsWith("HTTP/1.1") ? ("http1" as const) : ("http2" as const),
    open: connect(createTransport),
  })),
  { name: "gRPC by grpc-js", oracle: "grpcJs", open: grpcJs },
];
