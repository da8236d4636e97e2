// Every way to reach AuthService.Login, each giving the same picture of its answer.

import { fromBinary } from "@bufbuild/protobuf";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { ConnectError, createClient, type Interceptor, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { credentials, type GrpcObject, loadPackageDefinition, Metadata, type ServiceError } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { AuthService } from "../../gen/es/countersign/auth/v1/auth_pb.ts";
import { type ErrorInfo, ErrorInfoSchema, RetryInfoSchema } from "../../gen/es/google/rpc/error_details_pb.ts";
import { StatusSchema } from "../../gen/es/google/rpc/status_pb.ts";
import { AuthServiceClient } from "../../gen/grpc/countersign/auth/v1/auth.ts";
import { exchange, openRaw, type RawResponse } from "./raw-http.ts";

/** A login; a field that is undefined is not sent. */
export interface LoginFields {
  readonly device_key?: string;
  readonly timestamp?: number;
  readonly device_signature?: string;
}

/** What every protocol says, in one form. */
export interface Answer {
  /** `ok` or the reason. */
  readonly outcome: string;
  readonly message?: string;
  /** The reason's particulars: server_time, field, policy. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly retryAfter?: number;
  /** The headers that the contract names, by lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  readonly token?: string;
  readonly expiresIn?: number;
}

/** A client of one protocol, connected to one listener. */
export interface Session {
  send(login: LoginFields): Promise<Answer>;
  close(): void;
}

export interface Channel {
  readonly name: string;
  readonly open: (url: string) => Session;
}

const NAMED = [
  "x-ratelimit-limit",
  "x-ratelimit-remaining",
  "x-ratelimit-reset",
  "ratelimit",
  "ratelimit-policy",
  "retry-after",
  "www-authenticate",
];

function pick(headers: Iterable<readonly [string, string]>): Record<string, string> {
  const named = [...headers].map(([name, value]) => [name.toLowerCase(), value] as const);
  return Object.fromEntries(named.filter(([name]) => NAMED.includes(name)).sort());
}

/** HTTP/1.0 takes a connection for each exchange, HTTP/1.1 one for all. */
function rest(version: "1.0" | "1.1"): Channel["open"] {
  return (url) => {
    const kept = version === "1.1" ? openRaw(url) : undefined;
    const head = `POST /auth/login HTTP/${version}\r\n${kept ? `Host: ${new URL(url).host}\r\n` : ""}`;
    return {
      async send(login) {
        const body = JSON.stringify(login);
        const bytes = `${head}Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
        return readRest(kept ? await kept.exchange(bytes) : await exchange(url, bytes));
      },
      close: () => kept?.close(),
    };
  };
}

function readRest(response: RawResponse): Answer {
  const { token, expires_in, code, reason, message, retry_after, ...particulars } = JSON.parse(response.body);
  const headers = pick(response.headers);
  if (response.status === 200) return { outcome: "ok", metadata: {}, headers, token, expiresIn: expires_in };
  if (typeof code !== "string") throw new TypeError(`no code in ${response.body}`);
  const metadata = Object.fromEntries(Object.entries(particulars).map(([name, value]) => [name, String(value)]));
  return { outcome: reason, message, metadata, headers, ...(retry_after !== undefined && { retryAfter: retry_after }) };
}

function connect(createTransport: (url: string, interceptor: Interceptor) => Transport): Channel["open"] {
  return (url) => {
    let headers: Record<string, string> = {};
    const keepHeaders: Interceptor = (next) => async (request) => {
      const response = await next(request);
      headers = pick(response.header);
      return response;
    };
    const client = createClient(AuthService, createTransport(url, keepHeaders));
    return {
      async send(login) {
        try {
          const { token, expiresIn } = await client.login({
            ...(login.device_key !== undefined && { deviceKey: login.device_key }),
            ...(login.timestamp !== undefined && { timestamp: BigInt(login.timestamp) }),
            ...(login.device_signature !== undefined && { deviceSignature: login.device_signature }),
          });
          return { outcome: "ok", metadata: {}, headers, token, expiresIn };
        } catch (error) {
          const failure = ConnectError.from(error);
          const [info] = failure.findDetails(ErrorInfoSchema);
          const [retry] = failure.findDetails(RetryInfoSchema);
          return refusal(info, retry?.retryDelay?.seconds, failure.rawMessage, pick(failure.metadata));
        }
      },
      close: () => {},
    };
  };
}

function refusal(
  info: ErrorInfo | undefined,
  wait: bigint | undefined,
  message: string,
  headers: Record<string, string>,
): Answer {
  if (info === undefined) throw new Error(`an error without ErrorInfo: ${message}`);
  return {
    outcome: info.reason,
    message,
    metadata: { ...info.metadata },
    headers,
    ...(wait !== undefined && { retryAfter: Number(wait) }),
  };
}

/** The slice of a grpc-js client that the two ways of making one have in common. */
interface GrpcClient {
  login(
    request: LoginFields & { device_key: string; device_signature: string },
    metadata: Metadata,
    callback: (error: ServiceError | null, response: { token: string; expires_in: number }) => void,
  ): { on(event: "metadata", listener: (metadata: Metadata) => void): unknown };
  close(): void;
}

function grpc(createGrpcClient: (address: string) => GrpcClient): Channel["open"] {
  return (url) => {
    const client = createGrpcClient(new URL(url).host);
    return {
      send: (login) => sendGrpc(client, login),
      close: () => client.close(),
    };
  };
}

function sendGrpc(client: GrpcClient, login: LoginFields): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let headers: Record<string, string> = {};
    const request = { device_key: "", device_signature: "", ...login };
    const call = client.login(request, new Metadata(), (error, response) => {
      if (error === null) {
        resolve({ outcome: "ok", metadata: {}, headers, token: response.token, expiresIn: response.expires_in });
        return;
      }
      try {
        resolve(grpcRefusal(error, headers));
      } catch (mistake) {
        reject(mistake);
      }
    });
    call.on("metadata", (metadata) => {
      headers = pick(Object.entries(metadata.getMap()).map(([name, value]) => [name, value.toString()]));
    });
  });
}

function grpcRefusal(error: ServiceError, headers: Record<string, string>): Answer {
  const [bytes] = error.metadata.get("grpc-status-details-bin");
  if (!Buffer.isBuffer(bytes)) throw new Error(`an error without details: ${error.message}`);
  const trailers = pick(Object.entries(error.metadata.getMap()).map(([name, value]) => [name, value.toString()]));
  if (Object.keys(trailers).length > 0) throw new Error(`headers among the trailers: ${Object.keys(trailers)}`);
  const { details } = fromBinary(StatusSchema, bytes);
  const info = details.map((detail) => anyUnpack(detail, ErrorInfoSchema)).find((detail) => detail !== undefined);
  const retry = details.map((detail) => anyUnpack(detail, RetryInfoSchema)).find((detail) => detail !== undefined);
  return refusal(info, retry?.retryDelay?.seconds, error.details, headers);
}

const definition = loadPackageDefinition(
  loadSync("countersign/auth/v1/auth.proto", { includeDirs: ["proto"], keepCase: true, longs: Number }),
);

function loadedClient(address: string): GrpcClient {
  let found: GrpcObject | GrpcObject[string] = definition;
  for (const name of ["countersign", "auth", "v1", "AuthService"]) {
    if (typeof found === "function" || !(name in found)) throw new TypeError(`${name} is not in the definition`);
    found = Reflect.get(found, name);
  }
  if (typeof found !== "function") throw new TypeError("AuthService is a client constructor");
  const client: unknown = new found(address, credentials.createInsecure());
  if (!isGrpcClient(client)) throw new TypeError("the client has a login method");
  return client;
}

function isGrpcClient(client: unknown): client is GrpcClient {
  return typeof client === "object" && client !== null && "login" in client && "close" in client;
}

const overHttp1 = { httpVersion: "1.1" } as const;

/** What both listeners serve. */
export const channels: readonly Channel[] = [
  { name: "REST over HTTP/1.0", open: rest("1.0") },
  { name: "REST over HTTP/1.1", open: rest("1.1") },
  {
    name: "Connect with JSON",
    open: connect((baseUrl, each) =>
      createConnectTransport({ baseUrl, ...overHttp1, useBinaryFormat: false, interceptors: [each] }),
    ),
  },
  {
    name: "Connect with protobuf",
    open: connect((baseUrl, each) =>
      createConnectTransport({ baseUrl, ...overHttp1, useBinaryFormat: true, interceptors: [each] }),
    ),
  },
  {
    name: "gRPC-Web",
    open: connect((baseUrl, each) => createGrpcWebTransport({ baseUrl, ...overHttp1, interceptors: [each] })),
  },
  {
    name: "gRPC by the generated client",
    open: grpc((address) => new AuthServiceClient(address, credentials.createInsecure())),
  },
  { name: "gRPC by proto-loader", open: grpc(loadedClient) },
];

/** What the public listener serves besides: Connect and gRPC-Web over HTTP/2. */
export const http2Channels: readonly Channel[] = [
  {
    name: "Connect over HTTP/2",
    open: connect((baseUrl, each) => createConnectTransport({ baseUrl, httpVersion: "2", interceptors: [each] })),
  },
  {
    name: "gRPC-Web over HTTP/2",
    open: connect((baseUrl, each) => createGrpcWebTransport({ baseUrl, httpVersion: "2", interceptors: [each] })),
  },
  { name: "gRPC by Connect", open: connect((baseUrl, each) => createGrpcTransport({ baseUrl, interceptors: [each] })) },
];
