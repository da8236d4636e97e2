// `countersign login`: logs in as a device would, over any of the four protocols.

import { type Command, Option } from "commander";
import { readClientConfig } from "../../client-config.ts";
import { processEnvironment } from "../../config.ts";
import { addDeviceOptions, type DeviceOptions, readDevice } from "../device-identity.ts";
import { type Endpoint, endpointOf } from "../gateway/endpoint.ts";
import { usageFailure, writeResult } from "../output.ts";
import { readTimestampOption, type SignedLogin, signLogin } from "../sign.ts";

/** A login's answer. */
export interface LoginAnswer {
  readonly token: string;
  readonly expires_in: number;
}

/** Sends a signed login to a gateway. @throws CommandFailure with the gateway's reason */
export type SendLogin = (endpoint: Endpoint, login: SignedLogin) => Promise<LoginAnswer>;

const PROTOCOLS = ["rest", "connect", "grpc", "grpc-web"] as const;
type Protocol = (typeof PROTOCOLS)[number];

interface LoginOptions extends DeviceOptions {
  readonly timestamp?: string;
  readonly url: string;
  readonly via: Protocol;
}

/** Adds `login`. */
export function addLoginCommand(program: Command): void {
  addDeviceOptions(program.command("login"))
    .description("log in as a device does")
    .option("--url <url>", "the gateway", "http://127.0.0.1:8080")
    .addOption(new Option("--via <protocol>", "the protocol").choices(PROTOCOLS).default("rest"))
    .option("--timestamp <seconds>", "the time to sign, in Unix seconds (default: now)")
    .option("--json", "print JSON")
    .action(async (options: LoginOptions, command: Command) => {
      if (!URL.canParse(options.url) || !/^https?:$/.test(new URL(options.url).protocol)) {
        throw usageFailure("--url takes a URL of http or https");
      }
      const login = signLogin(await readDevice(options), readTimestampOption(options.timestamp));
      const send = await loadProtocol(options.via);
      const endpoint = endpointOf(options.url, "--url", readClientConfig(processEnvironment()));
      const answer = await send(endpoint, login);
      writeResult(command, { ...answer }, [answer.token]);
    });
}

/** Only the protocol that is asked for is loaded. */
async function loadProtocol(via: Protocol): Promise<SendLogin> {
  switch (via) {
    case "rest":
      return (await import("./rest.ts")).sendRest;
    case "grpc":
      return (await import("./grpc.ts")).sendGrpc;
    case "connect":
      return (await import("./connect.ts")).sendConnect;
    case "grpc-web":
      return (await import("./connect.ts")).sendGrpcWeb;
  }
}
