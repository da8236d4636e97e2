// The files of examples/proxies with names of hosts that exist here in place of theirs: nothing else of them is changed.

import { readFileSync } from "node:fs";
import { join } from "node:path";

export const EXAMPLES = join(import.meta.dirname, "../../examples/proxies");

/** Where things are, in place of where an example has them. */
export interface Places {
  /** Where the proxy listens, on 127.0.0.1. */
  readonly port: number;
  /** Host and port of the gateway's public listener. */
  readonly gateway: string;
  /** Host and port of the service behind. */
  readonly service: string;
  /** The folder of HAProxy's keys. */
  readonly keys: string;
}

type Replacement = readonly [name: string, by: (places: Places) => string];

const GATEWAY: Replacement = ["gateway.internal:8080", ({ gateway }) => gateway];
const SERVICE: Replacement = ["service.internal:3000", ({ service }) => service];

/** What is not the same here, by example. */
const REPLACEMENTS: Readonly<Record<string, readonly Replacement[]>> = {
  "nginx.conf": [["listen 8000;", ({ port }) => `listen 127.0.0.1:${port};`], GATEWAY, SERVICE],
  "haproxy.cfg": [
    ["bind :8000", ({ port }) => `bind 127.0.0.1:${port}`],
    ["/etc/haproxy/countersign", ({ keys }) => keys],
    SERVICE,
  ],
  Caddyfile: [[":8000 {", ({ port }) => `http://127.0.0.1:${port} {`], GATEWAY, SERVICE],
};

/** @throws TypeError where the example does not name what is to be replaced */
export function readExample(name: string, places: Places): string {
  const lines = readFileSync(join(EXAMPLES, name), "utf8").split("\n");
  const replaced = (REPLACEMENTS[name] ?? []).reduce((before, [from, by]) => {
    const after = before.map((line) => (isComment(line) ? line : line.replaceAll(from, by(places))));
    if (after.join() === before.join()) throw new TypeError(`${name} does not say ${from}`);
    return after;
  }, lines);
  return replaced.join("\n");
}

function isComment(line: string): boolean {
  return /^\s*#/.test(line);
}
