// grpc.health.v1.Health for services that start and stop together.

import { once } from "node:events";
import { Code, ConnectError, createServiceImplSpec, type ServiceImplSpec } from "@connectrpc/connect";
import { Health, HealthCheckResponse_ServingStatus as Status } from "../../gen/es/health/v1/health_pb.ts";

export interface HealthService {
  readonly spec: ServiceImplSpec;
  /** Reports NOT_SERVING from now on, and ends Watch calls. */
  drain(): void;
}

/** Creates the service for `services` and, under the empty name, the whole gateway. Names that callers send are not stored. */
export function createHealthService(services: readonly ServiceImplSpec[]): HealthService {
  const names = new Set(["", Health.typeName, ...services.map(({ service }) => service.typeName)]);
  const draining = new AbortController();
  const status = (): Status => (draining.signal.aborted ? Status.NOT_SERVING : Status.SERVING);

  const spec = createServiceImplSpec<typeof Health>(Health, {
    check({ service }) {
      if (!names.has(service)) throw new ConnectError("there is no such service", Code.NotFound);
      return { status: status() };
    },
    list: () => ({ statuses: Object.fromEntries([...names].map((name) => [name, { status: status() }])) }),
    async *watch({ service }, { signal }) {
      const current = (): Status => (names.has(service) ? status() : Status.SERVICE_UNKNOWN);
      const isFinal = draining.signal.aborted;
      yield { status: current() };
      if (isFinal) return;
      const ended = AbortSignal.any([draining.signal, signal]);
      if (!ended.aborted) await once(ended, "abort");
      if (!signal.aborted) yield { status: current() };
    },
  });
  const drain = (): void => draining.abort();
  return { spec, drain };
}
