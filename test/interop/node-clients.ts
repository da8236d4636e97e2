// Clients in Node: grpc-js with its generated stub, and Connect-ES over each of its transports.

import { fromBinary } from "@bufbuild/protobuf";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { credentials, Metadata } from "@grpc/grpc-js";
import { AuthService } from "../../gen/es/countersign/auth/v1/auth_pb.ts";
import { ErrorInfoSchema } from "../../gen/es/google/rpc/error_details_pb.ts";
import { StatusSchema } from "../../gen/es/google/rpc/status_pb.ts";
import { AuthServiceClient } from "../../gen/grpc/countersign/auth/v1/auth.ts";
import type { LoginBody } from "../../src/cli/sign.ts";
import type { Row } from "./rows.ts";
import { loginRows, type Subject } from "./subject.ts";

interface Answer {
  /** The gRPC code; 0 with a token. */
  readonly code: number;
  readonly token?: string;
  readonly remaining?: string | undefined;
  readonly reason?: string | undefined;
}

interface Caller {
  readonly logIn: (login: LoginBody, timeoutMs?: number, signal?: AbortSignal) => Promise<Answer>;
  readonly close: () => void;
}

interface NodeClient {
  readonly name: string;
  readonly isHttp2: boolean;
  readonly open: (url: string) => Caller;
}

const TIMEOUT_MS = 10_000;

const NODE_CLIENTS: readonly NodeClient[] = [
  { name: "grpc-js", isHttp2: true, open: openGrpcJs },
  connectEs("gRPC", "2", (baseUrl) => createGrpcTransport({ baseUrl })),
  ...(["2", "1.1"] as const).flatMap((httpVersion) => [
    connectEs("Connect", httpVersion, (baseUrl) => createConnectTransport({ baseUrl, httpVersion })),
    connectEs("gRPC-Web", httpVersion, (baseUrl) => createGrpcWebTransport({ baseUrl, httpVersion })),
  ]),
];

/** The rows of each client. */
export function nodeRows(subject: Subject): readonly Row[] {
  return NODE_CLIENTS.flatMap(({ name, isHttp2, open }) =>
    loginRows(name, subject, isHttp2, (url, login) => callLogin(open(url), login)),
  );
}

/** Makes the calls that the clients in other languages make. @returns what these print */
async function callLogin({ logIn, close }: Caller, login: LoginBody): Promise<object> {
  try {
    const { token, remaining } = await logIn(login);
    const { code: wrong, reason } = await logIn({ ...login, device_signature: "0".repeat(64) });
    const controller = new AbortController();
    const abandoned = logIn(login, TIMEOUT_MS, controller.signal);
    controller.abort();
    const { code: cancelled } = await abandoned;
    const { code: late } = await logIn(login, 1);
    const answers: Answer[] = [];
    for (let count = 0; count < 30; count++) answers.push(await logIn(login));
    answers.push(...(await Promise.all(Array.from({ length: 20 }, () => logIn(login)))));
    const answered = answers.filter(({ code }) => code === 0).length;
    return { token, remaining, wrong, reason, cancelled, late, answered };
  } finally {
    close();
  }
}

function openGrpcJs(url: string): Caller {
  const client = new AuthServiceClient(new URL(url).host, credentials.createInsecure());
  return {
    logIn: (login, timeoutMs = TIMEOUT_MS, signal = undefined) =>
      new Promise((resolve) => {
        let remaining: string | undefined;
        const deadline = Date.now() + timeoutMs;
        const call = client.login(login, new Metadata(), { deadline }, (error, response) => {
          if (error === null) resolve({ code: 0, token: response.token, remaining });
          else resolve({ code: error.code, reason: reasonIn(error.metadata) });
        });
        call.on("metadata", (metadata: Metadata) => {
          remaining = metadata.get("x-ratelimit-remaining")[0]?.toString();
        });
        signal?.addEventListener("abort", () => call.cancel());
      }),
    close: () => client.close(),
  };
}

function reasonIn(trailers: Metadata): string | undefined {
  const [bytes] = trailers.get("grpc-status-details-bin");
  if (!Buffer.isBuffer(bytes)) return undefined;
  const infos = fromBinary(StatusSchema, bytes).details.map((detail) => anyUnpack(detail, ErrorInfoSchema));
  return infos.find((info) => info !== undefined)?.reason;
}

function connectEs(
  protocol: string,
  httpVersion: "1.1" | "2",
  createTransport: (baseUrl: string) => Transport,
): NodeClient {
  const open = (url: string): Caller => {
    const client = createClient(AuthService, createTransport(url));
    return {
      async logIn(
        { device_key: deviceKey, timestamp, device_signature: deviceSignature },
        timeoutMs = TIMEOUT_MS,
        signal,
      ) {
        let remaining: string | undefined;
        const onHeader = (headers: Headers): void => {
          remaining = headers.get("x-ratelimit-remaining") ?? undefined;
        };
        try {
          const request = { deviceKey, timestamp: BigInt(timestamp), deviceSignature };
          const { token } = await client.login(request, { timeoutMs, onHeader, ...(signal && { signal }) });
          return { code: 0, token, remaining };
        } catch (error) {
          const failure = ConnectError.from(error);
          return { code: failure.code, reason: failure.findDetails(ErrorInfoSchema)[0]?.reason };
        }
      },
      close: () => undefined,
    };
  };
  return { name: `connect-es ${protocol} HTTP/${httpVersion}`, isHttp2: httpVersion === "2", open };
}
