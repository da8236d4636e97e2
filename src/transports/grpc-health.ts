// grpc.health.v1.Health of a server whose services come and go together. Knows no service but by name.

import {
  type Server,
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
  status,
} from "@grpc/grpc-js";
import { service } from "grpc-health-check";

interface HealthRequest {
  readonly service: string;
}
interface HealthResponse {
  readonly status: "SERVING" | "NOT_SERVING" | "SERVICE_UNKNOWN";
}
type Watcher = ServerWritableStream<HealthRequest, HealthResponse>;

export interface Health {
  /** From now on nothing is served: balancers that watch go elsewhere. */
  readonly drain: () => void;
}

/**
 * Adds it to a server. The library's own implementation keeps every name that was ever watched, whoever made it up;
 * here nothing is kept of a name that is none of `names`.
 */
export function addHealth(server: Server, names: readonly string[]): Health {
  const watchers = new Set<Watcher>();
  let state: HealthResponse = { status: "SERVING" };

  server.addService(service, {
    check({ request }: ServerUnaryCall<HealthRequest, HealthResponse>, callback: sendUnaryData<HealthResponse>) {
      if (names.includes(request.service)) callback(null, state);
      else callback({ code: status.NOT_FOUND, details: "there is no such service" });
    },
    list(_call: unknown, callback: sendUnaryData<{ statuses: Record<string, HealthResponse> }>) {
      callback(null, { statuses: Object.fromEntries(names.map((name) => [name, state])) });
    },
    watch(call: Watcher) {
      if (!names.includes(call.request.service)) {
        // It might come, as far as the protocol knows: the call stays open.
        call.write({ status: "SERVICE_UNKNOWN" });
        return;
      }
      watchers.add(call);
      call.on("cancelled", () => watchers.delete(call));
      call.write(state);
    },
  });

  return {
    drain() {
      state = { status: "NOT_SERVING" };
      for (const watcher of watchers) watcher.write(state);
    },
  };
}
