// `countersign login` and `explain`: log in as a device, or explain a login.

import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { text } from "node:stream/consumers";
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import type { Command } from "commander";
import { ExplainLoginResponseSchema } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { readClientConfig } from "../config.ts";
import { codeOf } from "../setting-readers.ts";
import { adminCommand, callAdmin } from "./gateway/admin-client.ts";
import { DEADLINE_MS, endpointOf, type GatewayEndpoint, gatewayFailure, unreachable } from "./gateway/endpoint.ts";
import { addSignOptions, type SignOptions, signFrom } from "./sign.ts";
import { readTimeOption, writeResource } from "./terminal/fields.ts";
import { readInput } from "./terminal/files.ts";
import { CommandFailure, usageFailure, writeResult } from "./terminal/output.ts";

interface LoginOptions extends SignOptions {
  readonly url: string;
}

/** Adds `login`. */
export function addLoginCommand(program: Command): void {
  addSignOptions(program.command("login"))
    .description("log in as a device does, and print the token")
    .option("--url <url>", "the gateway", "http://127.0.0.1:8080")
    .action(async ({ url, ...options }: LoginOptions, command: Command) => {
      if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
        throw usageFailure("--url takes an http or https URL");
      }
      const login = JSON.stringify(await signFrom(options));
      const endpoint = endpointOf(url, "--url", readClientConfig());
      const { status, body } = await post(endpoint, login).catch((error: unknown) => {
        const code = codeOf(error);
        throw unreachable(endpoint, code === "ABORT_ERR" ? "deadline_exceeded" : code);
      });
      const { token, expires_in, reason, message } = body;
      if (typeof token === "string") return writeResult(command, { token, expires_in }, [token]);
      if (typeof reason === "string" && typeof message === "string") throw gatewayFailure(reason, message, body);
      throw new CommandFailure(`${new URL(url).origin} answered ${status}, but not as a gateway does`);
    });
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

interface ExplainOptions {
  readonly deviceKey: string;
  readonly body: string;
  readonly at?: Timestamp;
}

/** Adds `explain`. */
export function addExplainCommand(program: Command): void {
  adminCommand(program, "explain")
    .description("name the mistake in a login, from its body as the device sent it")
    .requiredOption("--device-key <key>", "the device that was meant to log in")
    .requiredOption("--body <file>", "a file that holds the body, byte for byte; - for standard input")
    .option("--at <time>", "when it was received, as in 2026-01-31T12:00:00Z (default: now)", readTimeOption)
    .action(async ({ deviceKey, body: file, at }: ExplainOptions, command: Command) => {
      const body = await readInput(file);
      const explanation = await callAdmin((admin) =>
        admin.explainLogin({ deviceKey, body, ...(at !== undefined && { receiveTime: at }) }),
      );
      const { wouldSucceed, findings } = explanation;
      const lines = findings.map(({ code, message }) => `${code}: ${message}`);
      writeResource(command, ExplainLoginResponseSchema, explanation, lines);
      if (!wouldSucceed) {
        throw new CommandFailure("this login would fail", {
          findings: findings.map(({ code }) => code),
        });
      }
    });
}
