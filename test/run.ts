// `npm test`: sees to the programs that tests need, runs every test it can, and fails when one could not be run.

import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { hasPostgres } from "./postgres/programs.ts";

/** A program outside npm; the tests that need it end in `.<name>.test.ts`. */
interface Requirement {
  readonly name: string;
  readonly packages: readonly string[];
  readonly present: () => boolean;
}

const requirements: readonly Requirement[] = [
  {
    name: "redis",
    packages: ["redis-server"],
    present: () => Boolean(process.env["COUNTERSIGN_TEST_REDIS_URL"]) || runs("redis-server", "--version"),
  },
  { name: "valkey", packages: ["valkey-server"], present: () => runs("valkey-server", "--version") },
  {
    name: "postgres",
    packages: ["postgresql"],
    present: () => Boolean(process.env["COUNTERSIGN_TEST_POSTGRES_URL"]) || hasPostgres(),
  },
  { name: "curl", packages: ["curl"], present: () => runs("curl", "--version") },
  { name: "openssl", packages: ["openssl"], present: () => runs("openssl", "version") },
  { name: "nginx", packages: ["nginx"], present: () => runs("nginx", "-v") },
  { name: "haproxy", packages: ["haproxy"], present: () => runs("haproxy", "-v") },
  { name: "caddy", packages: ["caddy"], present: () => runs("caddy", "version") },
  {
    name: "python",
    packages: ["python3-grpcio", "python3-jwt", "python3-cryptography", "protobuf-compiler", "protobuf-compiler-grpc"],
    present: () =>
      runs("/usr/bin/python3", "-c", "import grpc, google.protobuf, jwt, cryptography") &&
      runs("protoc", "--version") &&
      runs("which", "grpc_python_plugin"),
  },
];

function runs(command: string, ...args: string[]): boolean {
  // Where Debian has servers, which is not on everybody's path.
  const env = { ...process.env, PATH: `${process.env["PATH"]}:/usr/sbin` };
  return spawnSync(command, args, { stdio: "ignore", env }).status === 0;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Debian asks it whether a service that was just installed is to be started (invoke-rc.d): tests start their own. */
const POLICY = "/usr/sbin/policy-rc.d";
/** Debian's package makes a cluster of its own and starts it, unless this says otherwise. */
const NO_CLUSTER = "/etc/postgresql-common/createcluster.d/countersign-test.conf";

function installMissing(): void {
  const missing = requirements.filter(({ present }) => !present());
  if (missing.length === 0) return;
  const packages = missing.flatMap((requirement) => requirement.packages);
  if (!asRoot("apt-get", "--version")) return;
  say(`Tests need ${packages.join(", ")}: installing with apt-get.`);
  const install = ["install", "-y", "-q", "--no-install-recommends", ...packages];
  asRoot("sh", "-c", `mkdir -p ${dirname(NO_CLUSTER)} && echo create_main_cluster = false > ${NO_CLUSTER}`);
  // One that is there already says what whoever keeps the machine wants.
  const quiets =
    !existsSync(POLICY) && asRoot("sh", "-c", `printf '#!/bin/sh\nexit 101\n' > ${POLICY} && chmod 755 ${POLICY}`);
  if (!asRoot("apt-get", ...install)) {
    asRoot("apt-get", "update", "-q");
    asRoot("apt-get", ...install);
  }
  asRoot("rm", "-f", NO_CLUSTER, ...(quiets ? [POLICY] : []));
}

function asRoot(...words: string[]): boolean {
  const [command = "", ...args] = process.getuid?.() === 0 ? words : ["sudo", "-n", ...words];
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  return spawnSync(command, args, { stdio: "ignore", env }).status === 0;
}

/** Where Linux keeps files in memory: databases come and go there at a third of the cost. */
const IN_MEMORY = "/dev/shm";
const ROOM_BYTES = 4 * 1024 ** 3;

function makeFolder(): string {
  const folder = mkdtempSync(join(hasRoom(IN_MEMORY) ? IN_MEMORY : tmpdir(), "countersign-test-"));
  // PostgreSQL runs as a user of its own, and has its folder within.
  chmodSync(folder, 0o711);
  return folder;
}

function hasRoom(folder: string): boolean {
  if (!existsSync(folder)) return false;
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize > ROOM_BYTES;
}

function runVitest(without: readonly Requirement[]): { passed: number; failed: number; status: number } {
  const folder = makeFolder();
  try {
    const report = join(folder, "report.json");
    const { status } = spawnSync(
      process.execPath,
      [
        "node_modules/vitest/vitest.mjs",
        "run",
        "--reporter=default",
        "--reporter=json",
        `--outputFile.json=${report}`,
        ...without.flatMap(({ name }) => ["--exclude", `**/*.${name}.test.ts`]),
        ...process.argv.slice(2),
      ],
      { stdio: "inherit", env: { ...process.env, TMPDIR: folder } },
    );
    // No report: the runner itself failed, and has said why.
    if (!existsSync(report)) return { passed: 0, failed: 1, status: 1 };
    const { numPassedTests, numFailedTests, success } = JSON.parse(readFileSync(report, "utf8"));
    return { passed: numPassedTests, failed: numFailedTests, status: status === 0 && success === true ? 0 : 1 };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

installMissing();
const missing = requirements.filter(({ present }) => !present());
const { passed, failed, status } = runVitest(missing);
for (const { name, packages } of missing) {
  say(`Not run: the tests that need ${name}. Type: apt-get install ${packages.join(" ")}`);
}
say(`${passed} passed, ${failed + missing.length} failed`);
process.exitCode = missing.length > 0 ? 1 : status;
