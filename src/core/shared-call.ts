// One call of a name for all who ask meanwhile.

/** Shares a call of one name among all who ask while it is under way: `calls` has those that are. */
export function shareByName<Value>(
  calls: Map<string, Promise<Value>>,
  name: string,
  call: () => Promise<Value>,
): Promise<Value> {
  const known = calls.get(name);
  if (known !== undefined) return known;
  const started = call().finally(() => {
    if (calls.get(name) === started) calls.delete(name);
  });
  calls.set(name, started);
  return started;
}
