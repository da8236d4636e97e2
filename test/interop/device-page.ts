// The login programs of docs/devices.md, run unchanged in each language.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CUSTOMER_KEY, type TestGateway } from "../gateway.ts";
import { fencesIn } from "../pages.ts";
import { type Row, requiring, succeed } from "./rows.ts";

/** A language's block, its file, and the command that builds and runs the file. */
type Pasted = readonly [name: string, fence: string, file: string, command: string, packages: string, probe: string];

const C = "gcc -Wall -Werror -o login login.c -lmbedcrypto && ./login";
const C_PACKAGES = "gcc libc6-dev libmbedtls-dev";
const PASTED: readonly Pasted[] = [
  ["curl", "sh", "login.sh", "sh login.sh", "curl perl", "curl --version && perl -v"],
  ["JavaScript", "js", "login.mjs", `${process.execPath} login.mjs`, "", "true"],
  ["Python", "python", "login.py", "/usr/bin/python3 login.py", "python3", "/usr/bin/python3 -V"],
  ["PHP", "php", "login.php", "php login.php", "php-cli", "php -v"],
  ["MicroPython", "py", "login.py", "micropython login.py", "micropython", "micropython -c 0"],
  ["C", "c", "login.c", C, C_PACKAGES, "gcc --version && test -e /usr/include/mbedtls/md.h"],
  ["Go", "go", "login.go", "GOCACHE=$PWD HOME=$PWD go run login.go", "golang-go", "go version"],
];

/** A row for each login of the page. */
export function devicePageRows(gateway: TestGateway, folder: string): readonly Row[] {
  return PASTED.map((pasted) => {
    const [name, , , , packages, probe] = pasted;
    const row = { name: `docs/devices.md, ${name}`, run: () => logIn(pasted, gateway, folder) };
    return requiring({ name, packages, probe }, row);
  });
}

async function logIn(
  [, fence, file, command]: Pasted,
  gateway: TestGateway,
  folder: string,
): Promise<readonly string[]> {
  const [code = ""] = fencesIn(readFileSync("docs/devices.md", "utf8"), fence);
  const { hostname, port } = new URL(gateway.publicUrl);
  const filled = code
    .replaceAll("127.0.0.1", hostname)
    .replaceAll("8080", port)
    .replaceAll("pump-7", await gateway.enrol())
    .replaceAll("the-customer-key", CUSTOMER_KEY);
  writeFileSync(join(folder, file), filled);
  const printed = await succeed(["sh", "-c", `cd ${folder} && ${command}`]);
  const { token, expires_in }: Record<string, unknown> = JSON.parse(printed);
  return /^eyJ/.test(String(token)) && expires_in === 600 ? [] : ["no token"];
}
