// The fenced blocks of a page, as code to run.

/** The blocks of a language in Markdown, in its order. */
export function fencesIn(markdown: string, language: string): readonly string[] {
  const fences = [...markdown.matchAll(/^[ \t]*```(\w+)\n([\s\S]*?)^[ \t]*```/gm)];
  return fences.filter(([, name]) => name === language).map(([, , code = ""]) => code);
}
