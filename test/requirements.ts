// Installs programs outside npm that tests need.

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname } from "node:path";

export interface Requirement {
  readonly name: string;
  /** The packages of Debian, for apt-get. */
  readonly packages: string;
  /** A shell command that succeeds where the program is. */
  readonly probe: string;
}

function isMissing({ probe }: Requirement): boolean {
  // Debian has servers in /usr/sbin, which is not in every PATH.
  const env = { ...process.env, PATH: `${process.env["PATH"]}:/usr/sbin` };
  return spawnSync("sh", ["-c", probe], { stdio: "ignore", env }).status !== 0;
}

export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Debian calls this file to decide whether to start a newly installed service (invoke-rc.d). Tests start their own. */
const POLICY = "/usr/sbin/policy-rc.d";
/** Stops Debian's package from creating and starting a PostgreSQL cluster. */
const NO_CLUSTER = "/etc/postgresql-common/createcluster.d/countersign-test.conf";

/** Installs what is missing. @returns what is missing afterwards */
export function installMissing(requirements: readonly Requirement[]): readonly Requirement[] {
  const missing = requirements.filter(isMissing);
  if (missing.length === 0) return [];
  const packages = missing.flatMap((requirement) => requirement.packages.split(" "));
  if (!asRoot("apt-get", "--version")) return missing;
  say(`Tests need ${packages.join(", ")}: installing with apt-get.`);
  const install = ["install", "-y", "-q", "--no-install-recommends", ...packages];
  asRoot("sh", "-c", `mkdir -p ${dirname(NO_CLUSTER)} && echo create_main_cluster = false > ${NO_CLUSTER}`);
  // An existing file is the machine's own policy and stays.
  const blocksServices =
    !existsSync(POLICY) && asRoot("sh", "-c", `printf '#!/bin/sh\nexit 101\n' > ${POLICY} && chmod 755 ${POLICY}`);
  if (!asRoot("apt-get", ...install)) {
    asRoot("apt-get", "update", "-q");
    asRoot("apt-get", ...install);
  }
  asRoot("rm", "-f", NO_CLUSTER, ...(blocksServices ? [POLICY] : []));
  return missing.filter(isMissing);
}

function asRoot(...words: string[]): boolean {
  const [command = "", ...args] = process.getuid?.() === 0 ? words : ["sudo", "-n", ...words];
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  return spawnSync(command, args, { stdio: "ignore", env }).status === 0;
}
