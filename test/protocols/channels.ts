// Clients of AuthService.Login in every protocol. All return the same form of answer.

import { ConnectError, createClient, type Interceptor } from "@connectrpc/connect";
import { credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import { AuthService } from "../../gen/es/countersign/auth/v1/auth_pb.ts";
import { ErrorInfoSchema, RetryInfoSchema } from "../../gen/es/google/rpc/error_details_pb.ts";
import { AuthServiceClient } from "../../gen/grpc/countersign/auth/v1/auth.ts";
import { exchange, openRaw, type RawResponse } from "../http/raw-http.ts";
import { readStatus } from "./hand.ts";
import { type CreateTransport, transports } from "./transports.ts";

/** A login; a field that is undefined is not sent. */
export interface LoginFields {
  readonly device_key?: string;
  readonly timestamp?: number;
  readonly device_signature?: string;
}

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

/** HTTP/1.0 opens a connection per exchange, HTTP/1.1 keeps one. */
function rest(version: "1.0" | "1.1"): Channel["open"] {
  return (url) => {
    const connection = version === "1.1" ? openRaw(url) : undefined;
    const head = `POST /auth/login HTTP/${version}\r\n${connection ? `Host: ${new URL(url).host}\r\n` : ""}`;
    return {
      async send(login) {
        const body = JSON.stringify(login);
        const bytes = `${head}Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
        return readRest(connection ? await connection.exchange(bytes) : await exchange(url, bytes));
      },
      close: () => connection?.close(),
    };
  };
}

function readRest(response: RawResponse): Answer {
  const { token, expires_in, code, reason, message, retry_after, ...details } = JSON.parse(response.body);
  const headers = pick(response.headers);
  if (response.status === 200) return { outcome: "ok", metadata: {}, headers, token, expiresIn: expires_in };
  if (typeof code !== "string") throw new TypeError(`no code in ${response.body}`);
  const metadata = Object.fromEntries(Object.entries(details).map(([name, value]) => [name, String(value)]));
  return { outcome: reason, message, metadata, headers, ...(retry_after !== undefined && { retryAfter: retry_after }) };
}

function connect(createTransport: CreateTransport): Channel["open"] {
  return (url) => {
    let headers: Record<string, string> = {};
    const readHeaders: Interceptor = (next) => async (request) => {
      const response = await next(request);
      headers = pick(response.header);
      return response;
    };
    const client = createClient(AuthService, createTransport(url, { interceptors: [readHeaders] }));
    return {
      async send(login) {
        try {
          const { token, expiresIn } = await client.login({
            ...(login.device_key !== undefined && { deviceKey: login.device_key }),
            ...(login.timestamp !== undefined && { timestamp: BigInt(login.timestamp) }),
            ...(login.device_signature !== undefined && { deviceSignature: login.device_signature }),
          });
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
  return {
    outcome: info.reason,
    message: error.rawMessage,
    metadata: { ...info.metadata },
    headers,
    ...(wait !== undefined && { retryAfter: Number(wait) }),
  };
}

function grpcJs(url: string): Session {
  const client = new AuthServiceClient(new URL(url).host, credentials.createInsecure());
  return { send: (login) => sendGrpc(client, login), close: () => client.close() };
}

function sendGrpc(client: AuthServiceClient, login: LoginFields): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let headers: Record<string, string> = {};
    const request = { device_key: "", device_signature: "", timestamp: undefined, ...login };
    const call = client.login(request, new Metadata(), (error, response) => {
      if (error === null) {
        resolve({ outcome: "ok", metadata: {}, headers, token: response.token, expiresIn: response.expires_in });
        return;
      }
      try {
        resolve(errorAnswer(readGrpcError(error), headers));
      } catch (mistake) {
        reject(mistake);
      }
    });
    call.on("metadata", (metadata) => {
      headers = pickMetadata(metadata);
    });
  });
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

/** Where a channel's oracle listens; undefined if no oracle speaks REST. */
type OracleName = "http1" | "http2" | "grpcJs";

export const channels: readonly (Channel & { readonly oracle?: OracleName })[] = [
  { name: "REST over HTTP/1.0", open: rest("1.0") },
  { name: "REST over HTTP/1.1", open: rest("1.1") },
  ...Object.entries(transports).map(([name, createTransport]) => ({
    name,
    oracle: name.endsWith("HTTP/1.1") ? ("http1" as const) : ("http2" as const),
    open: connect(createTransport),
  })),
  { name: "gRPC by grpc-js", oracle: "grpcJs", open: grpcJs },
];
