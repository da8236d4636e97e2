// The login programs of docs/devices.md, run unchanged in each language.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CUSTOMER_KEY } from "../gateway.ts";
import { fencesIn } from "../pages.ts";
import { type Requirement, runs } from "../requirements.ts";
import { type Row, requiring, succeed } from "./rows.ts";
import type { Subject } from "./subject.ts";

interface Pasted extends Requirement {
  /** The language of its fence. */
  readonly fence: string;
  readonly file: string;
  /** Runs, or builds and runs, the file. */
  readonly command: string;
}

const PASTED: readonly Pasted[] = [
  {
    name: "curl",
    fence: "sh",
    file: "login.sh",
    command: "sh login.sh",
    packages: ["curl", "perl"],
    present: () => runs("curl", "--version") && runs("perl", "-v"),
  },
  {
    name: "JavaScript",
    fence: "js",
    file: "login.mjs",
    command: `${process.execPath} login.mjs`,
    packages: [],
    present: () => true,
  },
  {
    name: "Python",
    fence: "python",
    file: "login.py",
    command: "/usr/bin/python3 login.py",
    packages: ["python3"],
    present: () => runs("/usr/bin/python3", "-V"),
  },
  {
    name: "PHP",
    fence: "php",
    file: "login.php",
    command: "php login.php",
    packages: ["php-cli"],
    present: () => runs("php", "-v"),
  },
  {
    name: "MicroPython",
    fence: "py",
    file: "login.py",
    command: "micropython login.py",
    packages: ["micropython"],
    present: () => runs("micropython", "-c", "0"),
  },
  {
    name: "C",
    fence: "c",
    file: "login.c",
    command: "gcc -Wall -Werror -o login login.c -lmbedcrypto && ./login",
    packages: ["gcc", "libc6-dev", "libmbedtls-dev"],
    present: () => runs("gcc", "--version") && runs("test", "-e", "/usr/include/mbedtls/md.h"),
  },
  {
    name: "Go",
    fence: "go",
    file: "login.go",
    command: "GOCACHE=$PWD HOME=$PWD go run login.go",
    packages: ["golang-go"],
    present: () => runs("go", "version"),
  },
];

/** A row for each login of the page. */
export function devicePageRows(subject: Subject, folder: string): readonly Row[] {
  return PASTED.map((pasted) =>
    requiring(pasted, { name: `docs/devices.md, ${pasted.name}`, run: () => logIn(pasted, subject, folder) }),
  );
}

async function logIn({ fence, file, command }: Pasted, subject: Subject, folder: string): Promise<readonly string[]> {
  const [code = ""] = fencesIn(readFileSync("docs/devices.md", "utf8"), fence);
  const { hostname, port } = new URL(subject.publicUrl);
  const { device_key } = await subject.enrol();
  const filled = code
    .replaceAll("127.0.0.1", hostname)
    .replaceAll("8080", port)
    .replaceAll("pump-7", device_key)
    .replaceAll("the-customer-key", CUSTOMER_KEY);
  writeFileSync(join(folder, file), filled);
  const printed = await succeed(["sh", "-c", `cd ${folder} && ${command}`]);
  const { token, expires_in }: Record<string, unknown> = JSON.parse(printed);
  return /^eyJ/.test(String(token)) && expires_in === 600 ? [] : ["no token"];
}
