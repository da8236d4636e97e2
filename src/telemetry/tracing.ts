// Traces by OpenTelemetry, and the times of a login's steps. The SDK is loaded only when its variables ask for it.

import type { ServiceImplSpec } from "@connectrpc/connect";
import type { LoginDependencies } from "../core/login.ts";
import type { Metrics } from "./metrics.ts";
import { reasonOf, type UnaryCall, wrapCalls } from "./observe.ts";

export interface Tracing {
  /** Makes a span of each unary call of a service, as a child of the caller's span by `traceparent`. The answer carries the new span's `traceparent`. */
  readonly observeCalls: (service: ServiceImplSpec) => ServiceImplSpec;
  /** Runs a step of a call in a span of its own. */
  readonly runStep: <Result>(name: string, run: () => Promise<Result>) => Promise<Result>;
  /** Properties of the log lines of a call. */
  readonly logFields: (() => object) | undefined;
  /** Sends the buffered spans. */
  readonly close: () => Promise<void>;
}

/** No traces, and no cost. */
export const NO_TRACING: Tracing = {
  observeCalls: (service) => service,
  runStep: (_name, run) => run(),
  logFields: undefined,
  close: async () => {},
};

/** Traces are configured and the SDK is not installed. */
class TracingError extends Error {
  override readonly name = "TracingError";
}

/** Time for the last spans at the end, in milliseconds. */
const CLOSE_MS = 2_000;

/** Starts the SDK. @throws TracingError when it is not installed */
export async function startTracing(serviceName: string | undefined): Promise<Tracing> {
  const { NodeSDK } = await loadSdk();
  const { context, propagation, SpanKind, SpanStatusCode, trace } = await import("@opentelemetry/api");
  // Metrics are read at /metrics, and the log is on standard error.
  const sdk = new NodeSDK({ metricReaders: [], logRecordProcessors: [], ...(serviceName && { serviceName }) });
  sdk.start();
  const tracer = trace.getTracer("countersign");

  async function runSpan<Result>(
    span: ReturnType<typeof tracer.startSpan>,
    run: () => Result | Promise<Result>,
  ): Promise<Result> {
    try {
      return await run();
    } catch (error) {
      const reason = reasonOf(error);
      span.setAttribute("error.type", reason);
      // A refused login is not an error of the gateway.
      if (reason === "internal" || reason === "unavailable") span.setStatus({ code: SpanStatusCode.ERROR });
      throw error;
    } finally {
      span.end();
    }
  }

  const traceCall = ({ method, impl }: UnaryCall): UnaryCall["impl"] => {
    const service = method.parent.typeName;
    const attributes = { "rpc.system": "connect_rpc", "rpc.service": service, "rpc.method": method.name };
    return (request, call) => {
      const from = propagation.extract(context.active(), call.requestHeader, {
        get: (headers, key) => headers.get(key) ?? undefined,
        keys: (headers) => [...headers.keys()],
      });
      const options = { kind: SpanKind.SERVER, attributes };
      return tracer.startActiveSpan(`${service}/${method.name}`, options, from, (span) => {
        propagation.inject(context.active(), call.responseHeader, {
          set: (headers, key, value) => headers.set(key, value),
        });
        return runSpan(span, () => impl(request, call));
      });
    };
  };

  return {
    observeCalls: (service) => wrapCalls(service, traceCall),
    runStep: (name, run) => tracer.startActiveSpan(name, (span) => runSpan(span, run)),
    logFields() {
      const span = trace.getActiveSpan();
      return span === undefined ? {} : { trace_id: span.spanContext().traceId };
    },
    async close() {
      const late = new Promise<void>((resolve) => setTimeout(resolve, CLOSE_MS).unref());
      // A collector that is away must not delay the stop.
      await Promise.race([sdk.shutdown().catch(() => {}), late]);
    },
  };
}

async function loadSdk(): Promise<typeof import("@opentelemetry/sdk-node")> {
  try {
    return await import("@opentelemetry/sdk-node");
  } catch (cause) {
    const cure = "Run npm install @opentelemetry/sdk-node, or unset the variables";
    throw new TracingError(`OTEL_ variables ask for traces, and their SDK cannot be loaded. ${cure}`, { cause });
  }
}

type Ports = Pick<LoginDependencies, "credentials" | "limiter" | "signer">;

/** Measures the steps of a login that wait, each as a span. `elapsed` is a monotonic clock, in milliseconds. */
export function observeSteps(
  { credentials, limiter, signer }: Ports,
  metrics: Metrics,
  { runStep }: Tracing,
  elapsed: () => number,
): Ports {
  const observe = (name: "read" | "charge" | "sign"): (<Result>(run: () => Promise<Result>) => Promise<Result>) => {
    const seconds = metrics.stepSeconds.labels(name);
    return async (run) => {
      const started = elapsed();
      try {
        return await runStep(name, run);
      } finally {
        seconds.observe((elapsed() - started) / 1_000);
      }
    };
  };
  const [read, charge, sign] = [observe("read"), observe("charge"), observe("sign")];
  return {
    credentials: { find: (deviceKey, now) => read(() => credentials.find(deviceKey, now)) },
    limiter: { ...limiter, charge: (charges, now) => charge(() => limiter.charge(charges, now)) },
    signer: { ...signer, sign: (subject, now) => sign(() => signer.sign(subject, now)) },
  };
}
