// Which names came lately, in a table of a fixed size: one is forgotten once another takes its place. Knows nothing of what they name.

/** Four bytes each. */
const SLOTS = 65_536;

/**
 * Notes each name it is asked for. @returns whether it was noted before and is not forgotten; once in 2^32 / SLOTS names wrongly so, which
 * is for who asks to bear
 */
export function createRecentNames(slots: number = SLOTS): (name: string) => boolean {
  const table = new Uint32Array(slots);
  return (name) => {
    const hash = hashOf(name);
    const place = hash % slots;
    const isKnown = table[place] === hash;
    table[place] = hash;
    return isKnown;
  };
}

/** FNV-1a, 32 bits: quick for what is short, and nobody gains by a collision. */
function hashOf(name: string): number {
  let hash = 0x811c9dc5;
  for (let place = 0; place < name.length; place++) hash = Math.imul(hash ^ name.charCodeAt(place), 0x01000193);
  return hash >>> 0;
}
