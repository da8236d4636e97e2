// Renders docs/reference/commands.md: every command and its options, which --help describes.

import type { Command } from "commander";
import { createProgram } from "../../src/cli/program.ts";

/** Options of every command. */
const COMMON = ["--json", "--help", "--yes"];

export async function renderCommands(): Promise<string> {
  const program = await createProgram([]);
  const blockOf = (commands: readonly Command[]): string => `\`\`\`\n${commands.map(render).join("\n")}\n\`\`\``;
  const groups = program.commands.filter(({ commands }) => commands.length > 0);
  const sections = groups.map((group) => `## ${group.name()}\n\n${blockOf(group.commands)}`);
  return `# Commands

<!-- Made by npm run gen. -->

\`npx countersign COMMAND --help\` describes the options. [operators.md](../operators.md) has examples, [settings.md](settings.md#commands) the gateway's address and the
admin token.

| | |
|---|---|
| \`--json\` | prints JSON with the field names of REST: one object, or one line for each item of a list |
| \`--yes\` | does not ask. On a terminal, commands that delete or revoke ask first; scripts are never asked |
| exit status | 0 done, 1 failed, 2 called wrongly, 130 or 143 an import stopped by a signal |

${blockOf(program.commands.filter(({ commands }) => commands.length === 0))}

${sections.join("\n\n")}

## Filters

Comparisons joined by \`AND\`: a field, \`=\` or \`!=\` (for times also \`<\` \`<=\` \`>\` \`>=\`), and a value, in double quotes if it has spaces or
brackets. A time that is not set, such as a first login, matches no \`<\` or \`>\`. A time is RFC 3339, or a span before now such as \`-30d\`
(\`d\` \`h\` \`m\` \`s\`). \`device_key\` can be compared too: \`device_key >= "pump-" AND device_key < "pump."\` selects the names that begin with \`pump-\`.

| list | fields |
|---|---|
| customers | \`customer_id\` \`display_name\` \`status\` \`create_time\` |
| devices | \`customer_id\` \`device_key\` \`display_name\` \`status\` \`key_mode\` \`shared_identity\` \`replay_guard\` \`accepts_shared_key\` \`last_key_id\` \`last_failure_reason\` \`last_login_time\` \`last_failure_time\` \`create_time\` \`labels.NAME\`; \`failing\`: the last failure is later than the last login; \`last_seen_time\`: the last login or, without one, the enrolment |
| audit events | \`action\` \`resource\` \`customer_id\` \`operator\` \`token_id\` \`time\` |
`;
}

function render(command: Command): string {
  const options = command.options.filter(({ long }) => !COMMON.includes(long ?? ""));
  const flags = options.map((option) => (option.mandatory ? option.flags : `[${option.flags}]`));
  const parents = command.parent?.parent ? [command.parent.name()] : [];
  const words = command.registeredArguments.map((argument) => {
    const word = `${argument.name()}${argument.variadic ? "..." : ""}`;
    return argument.required ? `<${word}>` : `[${word}]`;
  });
  return `${[...parents, command.name(), ...words, ...flags].join(" ")}\n  ${command.description()}`;
}
