// Apache with examples/proxies/apache.conf in front of a service: it asks the gateway about every token.

import type { OutgoingHttpHeaders } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { GATEWAY } from "../../src/core/registry/ports.ts";
import type { HttpAnswer } from "../ask.ts";
import { type Echo, echoOf, IDENTITY_NAMES, send, withoutToken } from "../proxies/echo.ts";
import { APACHE } from "../proxies/proxy.ts";
import { DEVICE_KEY, openSite } from "../proxies/site.ts";
import type { Requirement } from "../requirements.ts";
import { type Row, requiring } from "./rows.ts";

const REQUIREMENT: Requirement = {
  name: "proxy Apache",
  packages: "apache2 libapache2-mod-auth-openidc",
  probe: "apache2 -v && test -e /usr/lib/apache2/modules/mod_auth_openidc.so",
};

const AUTHORIZATION = "Basic c2VydmljZTpvd24=";

export function apacheRows(): readonly Row[] {
  return [requiring(REQUIREMENT, { name: REQUIREMENT.name, run: checkApache })];
}

async function checkApache(): Promise<readonly string[]> {
  await using cleanup = new AsyncDisposableStack();
  const { proxy, gateway, logIn, stopGateway, close } = await openSite(APACHE);
  cleanup.defer(close);
  // Apache opens its port, closes it and opens it again when it starts.
  while ((await send(proxy.url).catch(() => undefined)) === undefined) await pause(50);

  const ask = (headers: OutgoingHttpHeaders): Promise<HttpAnswer> => send(proxy.url, { headers });
  const mistakes: string[] = [];
  const token = await logIn(DEVICE_KEY);
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
  for (const name of IDENTITY_NAMES)
    mistakes.push(...mistakesIn(`${name} of a client`, await ask({ ...valid, [name]: "admin" })));
  const listed = { ...valid, connection: "X-Device-Key, X-Customer-Id" };
  mistakes.push(...mistakesIn("identity headers in Connection", await ask(listed)));

  await gateway.registry.devices.revokeTokens(DEVICE_KEY, GATEWAY);
  const refused: Readonly<Record<string, OutgoingHttpHeaders>> = {
    ...withoutToken(await logIn(DEVICE_KEY)),
    "a forged token": { "x-access-token": `${token.slice(0, -8)}AAAAAAAA` },
    "a revoked token": valid,
  };
  for (const [name, headers] of Object.entries(refused)) {
    const { status } = await ask(headers);
    if (status !== 401) mistakes.push(`${name} gets ${status}`);
  }
  const fresh = { "x-access-token": await logIn(DEVICE_KEY) };
  mistakes.push(...mistakesIn("a token after the revocation", await ask(fresh)));
  await stopGateway();
  const away = await ask(fresh);
  if (away.status !== 401) mistakes.push(`without a gateway a token gets ${away.status}`);
  return mistakes;
}

/** The mistakes in an answer: the service has to have received the device's request. */
function mistakesIn(
  name: string,
  answer: HttpAnswer,
  isExpected: (headers: Echo["headers"]) => boolean = () => true,
): readonly string[] {
  if (answer.status !== 200) return [`${name} gets ${answer.status}`];
  const { headers } = echoOf(answer);
  const isDevice = headers["x-device-key"]?.join() === DEVICE_KEY;
  const isForged = Object.values(headers).flat().includes("admin");
  return isDevice && !isForged && isExpected(headers) ? [] : [`${name} arrives as ${JSON.stringify(headers)}`];
}
