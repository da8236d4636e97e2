// Renders docs/reference/settings.md: every setting with its default and meaning.

import {
  COMMAND_SETTINGS,
  LIMIT_SETTINGS,
  LISTENER_SETTINGS,
  type Setting,
  STORAGE_SETTINGS,
  TOKEN_SETTINGS,
} from "../../src/settings.ts";

function table(settings: Readonly<Record<string, Setting<unknown>>>): string {
  const rows = Object.entries(settings).map(
    ([name, { inFile, meaning, ...setting }]) =>
      `| \`${name}\`${inFile ? " †" : ""} | ${defaultOf(setting)} | ${meaning} |`,
  );
  return ["| setting | default | |", "|---|---|---|", ...rows].join("\n");
}

function defaultOf({ fallback, otherwise, cure }: Omit<Setting<unknown>, "meaning">): string {
  if (cure !== undefined) return "**required**";
  return fallback ? `\`${fallback}\`` : (otherwise ?? "none");
}

export function renderSettings(): string {
  return `# Settings

<!-- Made by npm run gen. -->

Environment variables with the prefix \`COUNTERSIGN_\`. † The value can come from a file, by \`…_FILE\`. \`serve\` refuses to start with an unknown, wrong or
useless setting and names each; \`--dev\` generates the required ones.

## Listeners

${table(LISTENER_SETTINGS)}

## Storage and secrets

${table(STORAGE_SETTINGS)}

## Tokens

${table(TOKEN_SETTINGS)}

## Limits

A limit is a number and a window of at most an hour. [limits.md](../limits.md) has the guarantees.

${table(LIMIT_SETTINGS)}

## Commands

${table(COMMAND_SETTINGS)}
`;
}
