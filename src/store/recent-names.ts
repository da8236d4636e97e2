// Which names came lately: two Bloom filters, of which the older is emptied when the newer is full. Knows nothing of what they name.

/** So many bits a name, of which two are set: of names that did not come, one in fifty is taken for one that did. */
const BITS = 16;

/**
 * Notes each name it is asked for. @returns whether it is one of the last `names` different ones, or of up to as many before them; seldom
 * so of another, which is for who asks to bear
 */
export function createRecentNames(names: number): (name: string) => boolean {
  const bits = names * BITS;
  const makeFilter = (): Uint32Array => new Uint32Array(Math.ceil(bits / 32));
  let [newer, older] = [makeFilter(), makeFilter()];
  let noted = 0;

  function note(one: number, other: number): void {
    set(newer, one);
    set(newer, other);
    if (++noted < names) return;
    [newer, older] = [older.fill(0), newer];
    noted = 0;
  }

  return (name) => {
    const hash = hashOf(name);
    const [one, other] = [hash % bits, (Math.imul(hash, 0x9e3779b1) >>> 0) % bits];
    const isNoted = has(newer, one) && has(newer, other);
    const isKnown = isNoted || (has(older, one) && has(older, other));
    if (!isNoted) note(one, other);
    return isKnown;
  };
}

function has(filter: Uint32Array, bit: number): boolean {
  return (((filter[bit >>> 5] ?? 0) >>> (bit & 31)) & 1) === 1;
}

function set(filter: Uint32Array, bit: number): void {
  const place = bit >>> 5;
  filter[place] = (filter[place] ?? 0) | (1 << (bit & 31));
}

/** FNV-1a, 32 bits: quick for what is short, and nobody gains by a collision. */
function hashOf(name: string): number {
  let hash = 0x811c9dc5;
  for (let place = 0; place < name.length; place++) hash = Math.imul(hash ^ name.charCodeAt(place), 0x01000193);
  return hash >>> 0;
}
