// The parts of the core that AdminService calls.

import type { HandlerContext } from "@connectrpc/connect";
import type { ExplainLogin } from "../core/explain.ts";
import type { Actor } from "../core/registry/ports.ts";
import type { Registry } from "../core/registry/registry.ts";
import type { Secrets } from "../core/registry/secrets.ts";
import type { SigningKeys } from "../core/tokens/signing-keys.ts";

export interface AdminDependencies {
  readonly registry: Registry;
  readonly explain: ExplainLogin;
  readonly secrets: Secrets;
  readonly signingKeys: SigningKeys;
  readonly actorOf: (context: HandlerContext) => Actor;
}
