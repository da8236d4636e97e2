// Traces by OpenTelemetry: its SDK is loaded only when its own variables ask for it.

import type { MethodImplSpec, ServiceImplSpec } from "@connectrpc/connect";
import { AuthError } from "../core/errors.ts";

export interface Tracing {
  /** Makes each unary call of a service a span, a child of the caller's by `traceparent`; the answer carries its own. */
  readonly observeCalls: (service: ServiceImplSpec) => ServiceImplSpec;
  /** Runs a step of a call in a span of its own. */
  readonly runStep: <Result>(name: string, run: () => Promise<Result>) => Promise<Result>;
  /** Properties of the log lines of a call. */
  readonly logFields: (() => object) | undefined;
  /** Sends the spans that wait. */
  readonly close: () => Promise<void>;
}

/** No traces, and no cost. */
export const NO_TRACING: Tracing = {
  observeCalls: (service) => service,
  runStep: (_name, run) => run(),
  logFields: undefined,
  close: async () => {},
};

/** The SDK is wanted, and is not installed. */
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
      const reason = error instanceof AuthError ? error.reason : "internal";
      span.setAttribute("error.type", reason);
      // A refused login is an answer, and no error of the gateway.
      if (reason === "internal" || reason === "unavailable") span.setStatus({ code: SpanStatusCode.ERROR });
      throw error;
    } finally {
      span.end();
    }
  }

  function observeCall(spec: MethodImplSpec): MethodImplSpec {
    if (spec.kind !== "unary") return spec;
    const { name, parent } = spec.method;
    const attributes = { "rpc.system": "connect_rpc", "rpc.service": parent.typeName, "rpc.method": name };
    const observed: typeof spec = {
      ...spec,
      impl: (request, call) => {
        const from = propagation.extract(context.active(), call.requestHeader, {
          get: (headers, key) => headers.get(key) ?? undefined,
          keys: (headers) => [...headers.keys()],
        });
        const options = { kind: SpanKind.SERVER, attributes };
        return tracer.startActiveSpan(`${parent.typeName}/${name}`, options, from, (span) => {
          propagation.inject(context.active(), call.responseHeader, {
            set: (headers, key, value) => headers.set(key, value),
          });
          return runSpan(span, () => spec.impl(request, call));
        });
      },
    };
    return observed;
  }

  return {
    observeCalls: (service) => ({
      ...service,
      methods: Object.fromEntries(Object.entries(service.methods).map(([key, spec]) => [key, observeCall(spec)])),
    }),
    runStep: (name, run) => tracer.startActiveSpan(name, (span) => runSpan(span, run)),
    logFields() {
      const span = trace.getActiveSpan();
      return span === undefined ? {} : { trace_id: span.spanContext().traceId };
    },
    async close() {
      const late = new Promise<void>((resolve) => setTimeout(resolve, CLOSE_MS).unref());
      // A collector that is away is no reason not to stop.
      await Promise.race([sdk.shutdown().catch(() => {}), late]);
    },
  };
}

async function loadSdk(): Promise<typeof import("@opentelemetry/sdk-node")> {
  try {
    return await import("@opentelemetry/sdk-node");
  } catch (cause) {
    const cure = "Type npm install @opentelemetry/sdk-node, or unset the variables";
    throw new TracingError(`OTEL_ variables ask for traces, and their SDK cannot be loaded. ${cure}`, { cause });
  }
}
