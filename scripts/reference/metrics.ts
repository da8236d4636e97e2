// Renders docs/reference/metrics.md: the gateway's own metrics, as /metrics describes them.

import { createMetrics } from "../../src/telemetry/metrics.ts";

export async function renderMetrics(): Promise<string> {
  const { body } = await createMetrics("1.2.3").render();
  const types = new Map([...body.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = "", type = ""]) => [name, type]));
  const rows = [...body.matchAll(/^# HELP (countersign_\S+) (.+)$/gm)].map(
    ([, name = "", help = ""]) => `| \`${name}\` | ${types.get(name)} | ${help} |`,
  );
  return `# Metrics

<!-- Made by npm run gen. -->

\`GET /metrics\` on the internal listener answers in Prometheus's text format: these, and prom-client's defaults of Node and the process.

| metric | type | |
| --- | --- | --- |
${rows.join("\n")}
`;
}
