// A service that wants a token, in each framework that there is one for.

import { Code } from "@connectrpc/connect";
import { startExpress, startFastify, startHono } from "./http-services.ts";
import { startConnect, startGrpc } from "./rpc-services.ts";
import type { StartService } from "./service.ts";

export interface Framework {
  readonly name: string;
  readonly start: StartService;
  /** HTTP's status of an error, or the code of gRPC and Connect. */
  readonly unauthenticated: number;
  readonly unavailable: number;
}

const HTTP = { unauthenticated: 401, unavailable: 503 };
const RPC = { unauthenticated: Code.Unauthenticated, unavailable: Code.Unavailable };

export const FRAMEWORKS: readonly Framework[] = [
  { name: "express", start: startExpress, ...HTTP },
  { name: "fastify", start: startFastify, ...HTTP },
  { name: "hono", start: startHono, ...HTTP },
  { name: "connect", start: startConnect, ...RPC },
  { name: "grpc-js", start: startGrpc, ...RPC },
];
