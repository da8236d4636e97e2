// Notices that a crowd of connections has left and the listener is calm.

/** Fewer connections leave little memory behind. */
const CROWD = 100;
/** With more requests and closed connections in a second, the listener is busy. */
const MAX_CALM_EVENTS = 200;
const CALM_TICKS = 5;

/** Counts the activity of a listener. */
export class CrowdWatch {
  readonly #onLeft: () => void;
  #events = 0;
  #calmTicks = 0;
  #mostOpen = 0;

  /** @param onLeft called once for each crowd, when little has gone on for five seconds */
  constructor(onLeft: () => void) {
    this.#onLeft = onLeft;
  }

  /** Counts a request, or the end of a connection. */
  count(): void {
    this.#events++;
  }

  /** Call it once a second. @param open connections that are open */
  tick(open: number): void {
    this.#mostOpen = Math.max(this.#mostOpen, open);
    this.#calmTicks = this.#events > MAX_CALM_EVENTS ? 0 : this.#calmTicks + 1;
    this.#events = 0;
    if (this.#calmTicks < CALM_TICKS || this.#mostOpen - open < CROWD) return;
    this.#mostOpen = open;
    this.#onLeft();
  }
}
