// `npm run rotation [-- --seconds 60 --rate 100]`: a login key replaced under load. Exits 1 when a login was refused.

import { onBothDatabases, readNumbers, report } from "../long-run.ts";
import { runRotation } from "./rotation.ts";

const number = readNumbers({ seconds: 60, rate: 100 });
const DEVICES = 500;
const rate = number("rate");
const loginsBetween = Math.ceil((number("seconds") * rate) / DEVICES);

await onBothDatabases(async (name, settings) => {
  const result = await runRotation({ devices: DEVICES, rate, loginsBetween, settings });
  const { logins, refused, stopped, moved, isOldKeyRefused } = result;
  report(
    `${name}, two gateways: ${logins} logins at ${rate} a second, ${refused.length} refused; retiring the old key would have stopped ` +
      `${stopped.before} devices at first and ${stopped.after} at the end, ${moved} having the new one; the old one ${isOldKeyRefused ? "is refused" : "is NOT refused"}`,
    refused,
    refused.length > 0 || stopped.after > 0 || !isOldKeyRefused,
  );
});
