// grpc.health.v1.Health of a gateway whose services start and stop together.

import { Code, ConnectError, createServiceImplSpec, type ServiceImplSpec } from "@connectrpc/connect";
import { Health, HealthCheckResponse_ServingStatus as Status } from "../../gen/es/health/v1/health_pb.ts";

export interface HealthService {
  readonly spec: ServiceImplSpec;
  /** Tells whoever watches that nothing is served any more, and ends their calls. */
  readonly drain: () => void;
}

/** Reports on each service, and on the whole gateway under the empty name. It stores no name that a caller sends. */
export function createHealthService(services: readonly ServiceImplSpec[]): HealthService {
  const names = new Set(["", Health.typeName, ...services.map(({ service }) => service.typeName)]);
  const watchers = new Set<() => void>();
  let isDrained = false;
  const status = (): Status => (isDrained ? Status.NOT_SERVING : Status.SERVING);

  /** Resolves at a change, or once the caller has gone. */
  function changed(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        watchers.delete(wake);
        resolve();
      };
      watchers.add(wake);
      signal.addEventListener("abort", wake, { once: true });
      if (signal.aborted) wake();
    });
  }

  const spec = createServiceImplSpec<typeof Health>(Health, {
    check({ service }) {
      if (!names.has(service)) throw new ConnectError("there is no such service", Code.NotFound);
      return { status: status() };
    },
    list: () => ({ statuses: Object.fromEntries([...names].map((name) => [name, { status: status() }])) }),
    async *watch({ service }, { signal }) {
      const current = (): Status => (names.has(service) ? status() : Status.SERVICE_UNKNOWN);
      const isFinal = isDrained;
      yield { status: current() };
      if (isFinal) return;
      // The drain may come while the first status is sent: `changed` would miss it.
      if (!isDrained) await changed(signal);
      if (isDrained && !signal.aborted) yield { status: current() };
    },
  });

  return {
    spec,
    drain() {
      isDrained = true;
      for (const wake of [...watchers]) wake();
    },
  };
}
