// `countersign login`: logs in as a device, over any of the four protocols.

import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { text } from "node:stream/consumers";
import { ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { type Command, Option } from "commander";
import { AuthService } from "../../gen/es/countersign/auth/v1/auth_pb.ts";
import { readClientConfig } from "../config.ts";
import { codeOf } from "../setting-readers.ts";
import {
  connectFailure,
  DEADLINE_MS,
  endpointOf,
  type GatewayEndpoint,
  gatewayFailure,
  transportOptions,
  unreachable,
} from "./gateway/endpoint.ts";
import { addSignOptions, type LoginBody, type SignOptions, signFrom } from "./sign.ts";
import { CommandFailure, usageFailure, writeResult } from "./terminal/output.ts";

const PROTOCOLS = ["rest", "connect", "grpc", "grpc-web"] as const;

interface LoginOptions extends SignOptions {
  readonly url: string;
  readonly via: (typeof PROTOCOLS)[number];
}

/** Adds `login`. */
export function addLoginCommand(program: Command): void {
  addSignOptions(program.command("login"))
    .description("log in as a device does, and print the token")
    .option("--url <url>", "the gateway", "http://127.0.0.1:8080")
    .addOption(new Option("--via <protocol>", "the protocol").choices(PROTOCOLS).default("rest"))
    .action(async (options: LoginOptions, command: Command) => {
      const { url, via } = options;
      if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
        throw usageFailure("--url takes an http or https URL");
      }
      const login = await signFrom(options);
      const endpoint = endpointOf(url, "--url", readClientConfig());
      const answer = via === "rest" ? await sendRest(endpoint, login) : await sendRpc(via, endpoint, login);
      writeResult(command, { ...answer }, [answer.token]);
    });
}

async function sendRest(endpoint: GatewayEndpoint, login: LoginBody): Promise<{ token: string; expires_in: number }> {
  const { status, body } = await post(endpoint, JSON.stringify(login)).catch((error: unknown) => {
    const code = codeOf(error);
    throw unreachable(endpoint, code === "ABORT_ERR" ? "deadline_exceeded" : code);
  });
  const { token, expires_in, reason, message } = body;
  if (typeof token === "string" && typeof expires_in === "number") return { token, expires_in };
  if (typeof reason === "string" && typeof message === "string") throw gatewayFailure(reason, message, body);
  throw new CommandFailure(`${new URL(endpoint.url).origin} answered ${status}, but not as a gateway does`);
}

interface RestAnswer {
  readonly status: number | undefined;
  /** Empty when the body is not a JSON object. */
  readonly body: Readonly<Record<string, unknown>>;
}

function post({ url, tls }: GatewayEndpoint, content: string): Promise<RestAnswer> {
  const target = new URL("/auth/login", url);
  const headers = { "Content-Type": "application/json" };
  const options = { method: "POST", headers, signal: AbortSignal.timeout(DEADLINE_MS) };
  return new Promise((resolve, reject) => {
    const call = tls === undefined ? requestHttp(target, options) : requestHttps(target, { ...options, ...tls });
    call.on("error", reject);
    call.on("response", (response) => {
      text(response).then((body) => resolve({ status: response.statusCode, body: parseObject(body) }), reject);
    });
    call.end(content);
  });
}

function parseObject(body: string): Readonly<Record<string, unknown>> {
  try {
    return { ...JSON.parse(body) };
  } catch {
    return {};
  }
}

/** Sends a signed login. @throws CommandFailure with the gateway's reason */
async function sendRpc(
  via: Exclude<LoginOptions["via"], "rest">,
  endpoint: GatewayEndpoint,
  login: LoginBody,
): Promise<{ token: string; expires_in: number }> {
  // Loaded only where it is used.
  const { createConnectTransport, createGrpcTransport, createGrpcWebTransport, Http2SessionManager } = await import(
    "@connectrpc/connect-node"
  );
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
