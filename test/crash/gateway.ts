// A gateway in its own process that can be killed and restarted on the same data.

import { type Client, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { AdminService } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import type { Environment } from "../../src/config.ts";
import { ADMIN_TOKEN, namedSettings } from "../gateway.ts";
import { launch } from "../program.ts";

export interface CrashingGateway {
  readonly admin: Client<typeof AdminService>;
  readonly publicUrl: string;
  /** Sends SIGKILL; resolves once it is gone. */
  kill(): Promise<void>;
}

export async function startCrashingGateway(settings: Environment): Promise<CrashingGateway> {
  const own = { TOKEN_ALG: "EdDSA", LOGIN_LIMIT: "off", ADDRESS_LIMIT: "off", LOG_LEVEL: "error", ...settings };
  const { publicUrl, internalUrl, end } = await launch([], { env: namedSettings(own), logLength: 4_096 });
  const transport = createConnectTransport({
    baseUrl: internalUrl,
    httpVersion: "1.1",
    interceptors: [
      (next) => (request) => {
        request.header.set("authorization", `Bearer ${ADMIN_TOKEN}`);
        return next(request);
      },
    ],
  });
  return {
    admin: createClient(AdminService, transport),
    publicUrl,
    kill: async () => void (await end("SIGKILL")),
  };
}
