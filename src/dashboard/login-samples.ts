// A login to paste: the device's names and secret in curl, Python, C and MicroPython. The secret is in no process's arguments.

import c from "./samples/login.c?raw";
import python from "./samples/login.py?raw";
import curl from "./samples/login.sh?raw";
import microPython from "./samples/main.py?raw";

export interface SampleValues {
  readonly gateway: string;
  readonly deviceKey: string;
  readonly customerKey: string;
}

const SAMPLES = [
  ["curl", curl, shell],
  ["Python", python, JSON.stringify],
  ["C", c, JSON.stringify],
  ["MicroPython", microPython, JSON.stringify],
] as const;

/** The languages there are. */
export const LANGUAGES: readonly string[] = SAMPLES.map(([language]) => language);

/** A login in a language; an empty text for another. */
export function loginSample(language: string, { gateway, deviceKey, customerKey }: SampleValues): string {
  const [, text = "", quote = shell] = SAMPLES.find(([name]) => name === language) ?? [];
  const values: Readonly<Record<string, string>> = {
    GATEWAY: gateway,
    DEVICE_KEY: deviceKey,
    CUSTOMER_KEY: customerKey,
  };
  return text.trim().replace(/@([A-Z_]+)@/g, (_, name: string) => quote(values[name] ?? ""));
}

/** A shell word in single quotes. */
function shell(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
