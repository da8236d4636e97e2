// Reads a table of settings from the environment, or from the files that `…_FILE` settings name.

import { readFileSync } from "node:fs";
import { closest, distance } from "fastest-levenshtein";
import { codeOf } from "./setting-readers.ts";
import { PREFIX, type Setting } from "./settings.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

type CamelCase<Name extends string> = Name extends `${infer Head}_${infer Tail}`
  ? `${Lowercase<Head>}${Capitalize<CamelCase<Tail>>}`
  : Lowercase<Name>;

/** The values of a table's settings: MAX_CONNECTIONS as `maxConnections`. */
export type Values<Table> = {
  readonly [Name in keyof Table & string as CamelCase<Name>]: Table[Name] extends Setting<infer Value> ? Value : never;
};

type SettingTable = Readonly<Record<string, Setting<unknown>>>;

/** Every mistake in the settings, one line each. None of them repeats a secret. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly mistakes: readonly string[];
  constructor(mistakes: readonly string[]) {
    super(mistakes.join("\n"));
    this.mistakes = mistakes;
  }
}

/** Reads the settings of a table. @throws ConfigError with `before` and every mistake */
export function readSettings<Table extends SettingTable>(
  table: Table,
  environment: Environment,
  before: readonly string[] = [],
): Values<Table> {
  const mistakes = [...before];
  const given = (name: string): boolean =>
    Boolean(environment[`${PREFIX}${name}`] || environment[`${PREFIX}${name}_FILE`]);
  const textOf = (name: string): string | undefined => readText(environment, name, []) ?? table[name]?.fallback;
  const values = Object.entries(table).map(([name, { read, fallback, cure, needs = [] }]) => {
    const missing = needs.filter((other) => !given(other)).map((other) => `${PREFIX}${other}`);
    if (given(name) && missing.length > 0) {
      mistakes.push(`${PREFIX}${name} has no effect without ${missing.join(" and ")}. Set all of them, or none`);
    }
    if (!given(name) && cure !== undefined) mistakes.push(`${PREFIX}${name} is not set. ${cure}, or start with --dev`);
    const text = readText(environment, name, mistakes) ?? fallback;
    try {
      return [camelCase(name), text === undefined ? undefined : read(text, textOf)];
    } catch (error) {
      mistakes.push(`${PREFIX}${name} ${error instanceof Error ? error.message : "is wrong"}`);
      return [name, undefined];
    }
  });
  if (mistakes.length > 0) throw new ConfigError(mistakes);
  // fromEntries forgets the names, each of which has its value.
  return Object.freeze(Object.fromEntries(values)) as Values<Table>;
}

function camelCase(name: string): string {
  return name.toLowerCase().replaceAll(/_(.)/g, (_match, letter: string) => letter.toUpperCase());
}

/** Reads a setting's text, from the environment or from the file that `…_FILE` names. */
function readText(environment: Environment, name: string, mistakes: string[]): string | undefined {
  const text = environment[`${PREFIX}${name}`] || undefined;
  const file = environment[`${PREFIX}${name}_FILE`] || undefined;
  if (file === undefined) return text;
  if (text !== undefined) {
    mistakes.push(`${PREFIX}${name} and ${PREFIX}${name}_FILE are both set. Keep one`);
    return text;
  }
  try {
    return readFileSync(file, "utf8").replace(/\r?\n$/, "");
  } catch (error) {
    mistakes.push(`${PREFIX}${name}_FILE is ${file}, which cannot be read (${codeOf(error)})`);
    return undefined;
  }
}

/** A line for each setting in the environment that no table has, with the name that was probably meant. */
export function unknownSettings(environment: Environment, tables: SettingTable): readonly string[] {
  const inFiles = Object.entries(tables).flatMap(([name, { inFile }]) => (inFile ? [`${name}_FILE`] : []));
  const known = [...Object.keys(tables), ...inFiles, "TEST_REDIS_URL", "TEST_POSTGRES_URL"];
  const names = Object.keys(environment).filter((name) => name.startsWith(PREFIX));
  return names
    .map((name) => name.slice(PREFIX.length))
    .filter((name) => !known.includes(name))
    .map((name) => {
      const near = closest(name, known);
      return `${PREFIX}${name} is not a setting.${distance(near, name) <= 3 ? ` Did you mean ${PREFIX}${near}?` : ""}`;
    });
}
