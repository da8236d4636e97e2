// `npm test`: installs missing programs and runs the tests. Exits 1 when a program is still missing.

import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempDisposableSync, readFileSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { installMissing, type Requirement, say } from "./requirements.ts";

/** The tests that need one end in `.<name>.test.ts`. */
const requirements: readonly Requirement[] = [
  {
    name: "redis",
    packages: "redis-server",
    probe: 'test -n "$COUNTERSIGN_TEST_REDIS_URL" || redis-server --version',
  },
  { name: "valkey", packages: "valkey-server", probe: "valkey-server --version" },
  {
    name: "postgres",
    packages: "postgresql procps",
    probe:
      'test -n "$COUNTERSIGN_TEST_POSTGRES_URL" || (command -v pkill && (ls /usr/lib/postgresql/*/bin/initdb || initdb --version))',
  },
  { name: "curl", packages: "curl", probe: "curl --version" },
  { name: "openssl", packages: "openssl", probe: "openssl version" },
  { name: "nginx", packages: "nginx", probe: "nginx -v" },
  { name: "haproxy", packages: "haproxy", probe: "haproxy -v" },
  { name: "caddy", packages: "caddy", probe: "caddy version" },
  {
    name: "python",
    packages: "python3-jwt python3-cryptography",
    probe: "/usr/bin/python3 -c 'import jwt, cryptography'",
  },
];

/** A folder in memory on Linux: creating and dropping databases there takes a third of the time. */
const IN_MEMORY = "/dev/shm";
const ROOM_BYTES = 4 * 1024 ** 3;

function hasRoom(folder: string): boolean {
  if (!existsSync(folder)) return false;
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize > ROOM_BYTES;
}

function runVitest(without: readonly Requirement[]): { passed: number; failed: number; isGreen: boolean } {
  using folder = mkdtempDisposableSync(join(hasRoom(IN_MEMORY) ? IN_MEMORY : tmpdir(), "countersign-test-"));
  // PostgreSQL runs as another user and has its folder inside.
  chmodSync(folder.path, 0o711);
  const report = join(folder.path, "report.json");
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  const excluded = without.map(({ name }) => `--exclude=**/*.${name}.test.ts`);
  const words = ["node_modules/vitest/vitest.mjs", "run", ...reporters, ...excluded, ...process.argv.slice(2)];
  const env = { ...process.env, TMPDIR: folder.path };
  const { status } = spawnSync(process.execPath, words, { stdio: "inherit", env });
  // Without a report the runner itself failed, and has printed why.
  if (!existsSync(report)) return { passed: 0, failed: 1, isGreen: false };
  const { numPassedTests, numFailedTests, success } = JSON.parse(readFileSync(report, "utf8"));
  return { passed: numPassedTests, failed: numFailedTests, isGreen: status === 0 && success === true };
}

const missing = installMissing(requirements);
const { passed, failed, isGreen } = runVitest(missing);
for (const { name, packages } of missing) {
  say(`Not run: the tests that need ${name}. Run: apt-get install ${packages}`);
}
say(`${passed} passed, ${failed + missing.length} failed`);
process.exitCode = isGreen && missing.length === 0 ? 0 : 1;
