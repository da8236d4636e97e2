// A gateway sends the spans of each login to a collector.

import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { readConfig } from "../../src/config.ts";
import { namedSettings } from "../gateway.ts";
import { DEFAULT_ALG, linesOf, run, serve, temporaryFolder } from "../program.ts";
import { serveHttp } from "../verify/serve.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const PARENT = "b7ad6b7169203331";

/** A collector that takes OTLP in JSON. */
async function startCollector() {
  const spans: Readonly<Record<string, string>>[] = [];
  const services = new Set<string>();
  const url = await serveHttp((request, response) => {
    void text(request).then((body) => {
      for (const { resource, scopeSpans } of JSON.parse(body).resourceSpans) {
        const attributes: { key: string; value: { stringValue: string } }[] = resource.attributes;
        for (const { key, value } of attributes) if (key === "service.name") services.add(value.stringValue);
        for (const { spans: some } of scopeSpans) spans.push(...some);
      }
      response.writeHead(200, { "Content-Type": "application/json" }).end("{}");
    });
  });
  return { url, spans, services };
}

test("a login is a span of the caller's trace, with a span for each step", async () => {
  const { url, spans, services } = await startCollector();
  const folder = temporaryFolder();
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_EXPORTER_OTLP_PROTOCOL: "http/json", ...DEFAULT_ALG };
  const gateway = await serve(folder, { env });
  const signed = await run(["sign", "--demo"], { env: { COUNTERSIGN_DATA_DIR: folder } });
  const answer = await fetch(new URL("/auth/login", gateway.publicUrl), {
    method: "POST",
    headers: { "Content-Type": "application/json", traceparent: `00-${TRACE}-${PARENT}-01` },
    body: signed.stdout,
  });
  expect(answer.status).toBe(200);
  expect(await gateway.end("SIGTERM")).toBe(0);

  const ofTrace = spans.filter((span) => span["traceId"] === TRACE);
  const login = ofTrace.find((span) => span["name"] === "countersign.auth.v1.AuthService/Login");
  expect(login?.["parentSpanId"]).toBe(PARENT);
  expect(answer.headers.get("traceparent")).toBe(`00-${TRACE}-${login?.["spanId"]}-01`);
  const steps = ofTrace.filter((span) => span["parentSpanId"] === login?.["spanId"]);
  expect(steps.map((span) => span["name"])).toEqual(["read", "charge", "sign"]);
  expect([...services]).toEqual(["countersign"]);
  expect(linesOf(gateway).find(({ msg }) => msg === "login")).toMatchObject({
    trace_id: TRACE,
    gateway: expect.any(String),
    version: expect.any(String),
  });
});

test.each([
  [{}, undefined],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:4318" }, { serviceName: "countersign" }],
  [{ OTEL_TRACES_EXPORTER: "console", OTEL_SERVICE_NAME: "login" }, { serviceName: undefined }],
  [{ OTEL_TRACES_EXPORTER: "none", OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:4318" }, undefined],
  [{ OTEL_SDK_DISABLED: "true", OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:4318" }, undefined],
])("variables %j ask for traces: %j", (variables, tracing) => {
  expect(readConfig({ ...namedSettings({}), ...variables }, { dev: false }).tracing).toEqual(tracing);
});
