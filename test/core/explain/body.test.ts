// What is said of a login's body: what keeps it from being a login's JSON.

import { describe } from "vitest";
import { bodyOf, HEX, SECONDS, SHARED } from "./desk.ts";
import { tellsThat } from "./tells.ts";

describe("the body", () => {
  const body = bodyOf({});
  tellsThat([
    {
      mistake: "a comma is missing, as in the curl sample",
      body: body.replace(`${SECONDS},`, `${SECONDS}`),
      codes: ["missing_comma", "signature_right"],
    },
    {
      mistake: "device-signature and a trailing comma, as in the PHP sample",
      body: body.replace("device_signature", "device-signature").replace("}", ",}"),
      codes: ["trailing_comma", "field_name", "signature_right"],
    },
    {
      mistake: "device-signature alone",
      body: body.replace("device_signature", "device-signature"),
      codes: ["field_name", "signature_right"],
    },
    {
      mistake: "sig for device_signature",
      body: body.replace("device_signature", "sig"),
      codes: ["field_name", "signature_right"],
    },
    { mistake: "single quotes", body: body.replaceAll('"', "'"), codes: ["single_quotes", "signature_right"] },
    {
      mistake: "names without quotes",
      body: body.replace(/"(\w+)":/g, "$1:"),
      codes: ["unquoted_name", "signature_right"],
    },
    { mistake: "cut short before the end", body: body.slice(0, -1), codes: ["cut_short", "signature_right"] },
    {
      mistake: "cut short within the signature",
      body: body.slice(0, -12),
      codes: ["cut_short", "signature_truncated"],
    },
    {
      mistake: "a form",
      body: `device_key=${SHARED}&timestamp=${SECONDS}&device_signature=${HEX}`,
      codes: ["form_encoded", "signature_right"],
    },
    { mistake: "JSON in a JSON string", body: JSON.stringify(body), codes: ["double_encoded", "signature_right"] },
    {
      mistake: "quotes that the shell left escaped",
      body: body.replaceAll('"', '\\"'),
      codes: ["escaped_quotes", "signature_right"],
    },
    {
      mistake: "quotes of values that the shell left escaped",
      body: bodyOf({ timestamp: `"${SECONDS}"`, signature: HEX }).replace(/: "([^"]*)"/g, ': \\"$1\\"'),
      codes: ["escaped_quotes", "signature_right"],
    },
    {
      mistake: "quotes of values that the shell left escaped, but for the device_key's",
      body: `{"device_key":"${SHARED}","timestamp":\\"${SECONDS}\\","device_signature":\\"${HEX}\\"}`,
      codes: ["escaped_quotes", "signature_right"],
    },
    {
      mistake: "a quote within the device_key, and a comma that is missing",
      body: `{"device_key": "a\\"b" "timestamp": ${SECONDS}, "device_signature": "${HEX}"}`,
      codes: ["missing_comma", "other_device_key", "signed_device_key"],
    },
    { mistake: "no signature", body: `{"device_key":"${SHARED}","timestamp":${SECONDS}}`, codes: ["missing_field"] },
    { mistake: "no device_key", body: body.replace("device_key", "name"), codes: ["missing_field", "signature_right"] },
    { mistake: "nothing", body: "", codes: ["malformed", "missing_field", "missing_field", "missing_field"] },
    {
      mistake: "another thing altogether",
      body: "[1]",
      codes: ["malformed", "missing_field", "missing_field", "missing_field"],
    },
    {
      mistake: "more than a login may have",
      body: body.replace("}", `, "x": "${"x".repeat(5000)}"}`),
      codes: ["too_large", "signature_right"],
    },
    {
      mistake: "not UTF-8",
      body: Buffer.from(body.replace("}", ', "name": "\xe9"}'), "latin1"),
      codes: ["malformed", "signature_right"],
    },
    {
      mistake: "a device_key with a space",
      body: bodyOf({ deviceKey: ` ${SHARED}` }),
      codes: ["device_key_shape", "other_device_key", "signature_right"],
    },
  ]);
});
