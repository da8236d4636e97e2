// Logins to paste: the programs of docs/devices.md with a device's values.

import page from "../../docs/devices.md?raw";

/** The fence of each language's program. */
const FENCES: Readonly<Record<string, string>> = { curl: "sh", Python: "python", C: "c", MicroPython: "py" };

export const LANGUAGES = Object.keys(FENCES);

export interface SampleValues {
  readonly gateway: string;
  readonly deviceKey: string;
  readonly customerKey: string;
}

/** The values in the page's programs that are replaced, with their quotes. */
const PLACEHOLDERS = /"?(http:\/\/127\.0\.0\.1:8080|127\.0\.0\.1|8080|pump-7|the-customer-key)"?/g;

/** A login in a language. The secret is not in the arguments of a process. */
export function loginSample(language: string, { gateway, deviceKey, customerKey }: SampleValues): string {
  const { protocol, hostname, port } = new URL(gateway);
  const values: Readonly<Record<string, string>> = {
    "http://127.0.0.1:8080": gateway,
    "127.0.0.1": hostname,
    "8080": port || (protocol === "https:" ? "443" : "80"),
    "pump-7": deviceKey,
    "the-customer-key": customerKey,
  };
  const [, program = ""] = page.split(`\`\`\`${FENCES[language]}\n`);
  const [text = ""] = program.split("\n```");
  const quote = language === "curl" ? shell : JSON.stringify;
  return text.replace(PLACEHOLDERS, (_, name: string) => quote(values[name] ?? ""));
}

/** A shell word in single quotes. */
function shell(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
