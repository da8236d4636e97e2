// Apache with examples/proxies/apache.conf in front of a service: it asks the gateway about every token.

import type { OutgoingHttpHeaders } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { GATEWAY } from "../../src/core/registry/ports.ts";
import { CUSTOMER_KEY, logInBy, openGateway } from "../gateway.ts";
import { type Echo, echoOf, type ProxyAnswer, send, startEchoService } from "../proxies/echo.ts";
import { startProxy } from "../proxies/example.ts";
import { APACHE } from "../proxies/proxy.ts";
import type { Requirement } from "../requirements.ts";
import { type Row, requiring } from "./rows.ts";

const REQUIREMENT: Requirement = {
  name: "proxy Apache",
  packages: "apache2 libapache2-mod-auth-openidc",
  probe: "apache2 -v && test -e /usr/lib/apache2/modules/mod_auth_openidc.so",
};

const DEVICE_KEY = "pump-7";
const AUTHORIZATION = "Basic c2VydmljZTpvd24=";

export function apacheRows(): readonly Row[] {
  return [requiring(REQUIREMENT, { name: REQUIREMENT.name, run: checkApache })];
}

async function checkApache(): Promise<readonly string[]> {
  await using cleanup = new AsyncDisposableStack();
  const gateway = await openGateway();
  cleanup.defer(() => gateway.close());
  const service = await startEchoService();
  cleanup.defer(() => service.close());
  const proxy = await startProxy(APACHE, {
    gateway: new URL(gateway.internalUrl).host,
    service: service.host,
    keys: "",
    gatewayCa: "",
  });
  cleanup.defer(() => proxy.close());
  // Apache opens its port, closes it and opens it again when it starts.
  while ((await send(proxy.url).catch(() => undefined)) === undefined) await pause(50);
  await gateway.enrol({ deviceKey: DEVICE_KEY });
  const logIn = async (): Promise<string> => {
    const answer = await logInBy(gateway.publicUrl, { deviceKey: DEVICE_KEY, customerKey: CUSTOMER_KEY });
    return String(JSON.parse(await answer.text()).token);
  };

  const ask = (headers: OutgoingHttpHeaders): Promise<ProxyAnswer> => send(proxy.url, { headers });
  const mistakes: string[] = [];
  const token = await logIn();
  const valid = { "x-access-token": token };
  mistakes.push(
    ...mistakesIn(
      "a valid token",
      await ask({ ...valid, authorization: AUTHORIZATION, cookie: "own=1" }),
      (headers) => {
        const names = Object.keys(headers).filter((name) => /oidc|sent-authorization/i.test(name));
        const own = [headers["authorization"]?.join(), headers["cookie"]?.join(), headers["x-customer-id"]?.join()];
        return names.length === 0 && own.join() === [AUTHORIZATION, "own=1", gateway.customerId].join();
      },
    ),
  );
  const between = ["-", "_", "."].flatMap((one) => ["-", "_", "."].map((other) => [one, other] as const));
  for (const name of between.flatMap(([a, b]) => [`X${a}Device${b}Key`, `x${a}customer${b}id`]))
    mistakes.push(...mistakesIn(`${name} of a client`, await ask({ ...valid, [name]: "admin" })));
  const listed = { ...valid, connection: "X-Device-Key, X-Customer-Id" };
  mistakes.push(...mistakesIn("identity headers in Connection", await ask(listed)));

  await gateway.registry.devices.revokeTokens(DEVICE_KEY, GATEWAY);
  const refused: Readonly<Record<string, OutgoingHttpHeaders>> = {
    "no token": {},
    "no token, but an identity": { "X-Device-Key": DEVICE_KEY },
    "a forged token": { "x-access-token": `${token.slice(0, -8)}AAAAAAAA` },
    "a token in Authorization": { authorization: `Bearer ${await logIn()}` },
    "two tokens": { "x-access-token": [await logIn(), "other"] },
    "a revoked token": valid,
  };
  for (const [name, headers] of Object.entries(refused)) {
    const { status } = await ask(headers);
    if (status !== 401) mistakes.push(`${name} gets ${status}`);
  }
  const fresh = { "x-access-token": await logIn() };
  mistakes.push(...mistakesIn("a token after the revocation", await ask(fresh)));
  await gateway.close();
  const away = await ask(fresh);
  if (away.status !== 401) mistakes.push(`without a gateway a token gets ${away.status}`);
  return mistakes;
}

/** The mistakes in an answer: the service has to have received the device's request. */
function mistakesIn(
  name: string,
  answer: ProxyAnswer,
  isExpected: (headers: Echo["headers"]) => boolean = () => true,
): readonly string[] {
  if (answer.status !== 200) return [`${name} gets ${answer.status}`];
  const { headers } = echoOf(answer);
  const isDevice = headers["x-device-key"]?.join() === DEVICE_KEY;
  const isForged = Object.values(headers).flat().includes("admin");
  return isDevice && !isForged && isExpected(headers) ? [] : [`${name} arrives as ${JSON.stringify(headers)}`];
}
