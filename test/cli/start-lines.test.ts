// What `serve` says to people once all is up.

import { expect, test } from "vitest";
import { startLines } from "../../src/cli/start-lines.ts";

const listening = { publicUrl: "http://127.0.0.1:8080", internalUrl: "http://127.0.0.1:9090" };

test("where it listens, and with --dev how to log in", () => {
  const lines = [
    "public   http://127.0.0.1:8080   devices: REST, Connect, gRPC-Web, gRPC",
    "internal http://127.0.0.1:9090   services and operators",
  ];
  expect(startLines(listening, { dev: false, dataDir: undefined })).toEqual(lines);
  expect(startLines(listening, { dev: true, dataDir: undefined })).toEqual([
    ...lines,
    "",
    "Log in as the demo device:",
    "  npx countersign sign --demo | curl -sS --json @- http://127.0.0.1:8080/auth/login",
  ]);
});

test("a listener that is off is not there", () => {
  const { internalUrl } = listening;
  expect(startLines({ publicUrl: undefined, internalUrl }, { dev: true, dataDir: undefined })).toHaveLength(1);
});

test("by TLS curl may have to be told whom to trust; where the data is comes along", () => {
  const lines = startLines({ ...listening, publicUrl: "https://127.0.0.1:8080" }, { dev: true, dataDir: "/srv/data" });
  expect(lines.slice(-2)).toEqual([
    "Log in as the demo device (with --cacert FILE where curl does not trust the certificate):",
    "  COUNTERSIGN_DATA_DIR=/srv/data npx countersign sign --demo | curl -sS --json @- https://127.0.0.1:8080/auth/login",
  ]);
});
