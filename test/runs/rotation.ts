// `npm run rotation [-- --seconds 60 --rate 100]`: replaces a customer's login key while its devices log in.
// Exits 1 when a login was refused.

import { setTimeout as pause } from "node:timers/promises";
import type { Environment } from "../../src/config.ts";
import { GATEWAY } from "../../src/core/registry/ports.ts";
import { CUSTOMER_KEY, enrolMany, logInBy, NO_LIMITS, openGateway, type TestGateway } from "../gateway.ts";
import { onBothDatabases, type Result, readNumbers } from "../long-run.ts";
import { sendAtRate } from "../pace.ts";
import type { Board } from "../registry-copy.ts";

/** Time in which every gateway sees a change, in seconds. */
const SEEN_S = 1;
/** Logins under way. On a busy machine more would queue until the gateways refuse them. */
const MOST_AT_ONCE = 4;

/** `rate`: logins a second, over all devices. `loginsBetween`: logins between the new key of a device and of the next. */
export async function replaceLoginKey(
  devices: number,
  rate: number,
  loginsBetween: number,
  settings: Environment,
): Promise<Result> {
  await using cleanup = new AsyncDisposableStack();
  const open = () => openGateway({ ...NO_LIMITS, ...settings });
  const gateways = [await open(), await open()] as const;
  for (const { close } of gateways) cleanup.defer(close);
  const [one] = gateways;
  const deviceKeys = Array.from({ length: devices }, (_, index) => `rotated-${index}`);
  await enrolMany(one, deviceKeys);
  const boards = deviceKeys.map((deviceKey) => ({ deviceKey, customerKey: CUSTOMER_KEY }));
  // Each device logs in at both gateways in turn.
  const send = async (index: number) => {
    const board = boards[index % boards.length];
    const isOdd = (index + Math.floor(index / boards.length)) % 2 === 1;
    return board ? logIn(gateways[isOdd ? 1 : 0], board) : "there is no board";
  };
  using load = sendAtRate(rate, send, MOST_AT_ONCE);
  await load.more(devices);

  // 1. Issue a new key, which devices get one by one.
  const { customerId } = one;
  const { customerKeys } = one.registry;
  const [old] = await customerKeys.list(customerId);
  const { keyId, customerKey } = await customerKeys.issue({ customerId, purpose: "login", importedKey: "" }, GATEWAY);
  const retire = async (isDryRun: boolean): Promise<number> =>
    (await customerKeys.retire(old?.keyId ?? "", isDryRun, GATEWAY)).stoppedDevices;
  await load.more(rate * SEEN_S);
  while ((await retire(true)) < devices) await load.more(rate / 10);
  for (const board of boards) {
    board.customerKey = customerKey;
    await load.more(loginsBetween);
  }

  // 2. Wait until every device has logged in with it: retiring the old one then stops no device.
  while ((await retire(true)) > 0) await load.more(rate / 10);
  await retire(false);
  const { keys } = await customerKeys.progress(customerId);
  const moved = keys.find((key) => key.keyId === keyId)?.devices;
  await load.more(rate * SEEN_S + devices);

  const outcomes = await load.stop();
  const mistakes = outcomes.filter((outcome) => outcome !== "ok" && outcome !== "sent again");
  const repeated = outcomes.filter((outcome) => outcome === "sent again");
  if (moved !== devices) mistakes.push(`${moved} of ${devices} devices are counted with the new key`);
  for (const gateway of gateways) {
    const late = await logIn(gateway, { deviceKey: "rotated-0", customerKey: CUSTOMER_KEY });
    if (!late.includes("invalid_credentials")) mistakes.push(`after its retirement the old key is answered: ${late}`);
  }
  const line = `${outcomes.length} logins at ${rate} a second, ${mistakes.length} refused, ${repeated.length} sent again`;
  return { line, mistakes };
}

/** On a busy machine PostgreSQL may take longer than the second that a login waits. The board then tries again. */
const UNANSWERED = /"message":"the registry (cannot be reached|does not answer)/;

/** @returns `ok`, `sent again` or the error's text */
async function logIn({ publicUrl }: TestGateway, board: Board): Promise<string> {
  for (let outcome = "ok"; ; outcome = "sent again") {
    const response = await logInBy(publicUrl, board);
    const text = await response.text();
    if (!UNANSWERED.test(text)) return response.ok ? outcome : text;
    await pause(100);
  }
}

if (process.argv[1] === import.meta.filename) {
  const number = readNumbers({ seconds: 60, rate: 100 });
  const [devices, rate] = [500, number("rate")];
  const loginsBetween = Math.ceil((number("seconds") * rate) / devices);
  await onBothDatabases((settings) => replaceLoginKey(devices, rate, loginsBetween, settings));
}
