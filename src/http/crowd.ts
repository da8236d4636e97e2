// Notices when a listener is calm again after many connections or requests.

/** Fewer connections leave little memory behind. */
const CROWD = 100;
/** Requests and ends of connections in a second that leave memory behind, though few connections are open at once. */
const BURST = 1_000;
/** With more requests and closed connections in a second, the listener is busy. */
const MAX_CALM_EVENTS = 200;
const CALM_TICKS = 5;

/** Counts the activity of a listener. */
export class CrowdWatch {
  readonly #onLeft: () => void;
  #events = 0;
  #calmTicks = 0;
  #mostOpen = 0;
  #mostEvents = 0;

  /** @param onLeft called once for each crowd or burst, when little has gone on for five seconds */
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
    this.#mostEvents = Math.max(this.#mostEvents, this.#events);
    this.#calmTicks = this.#events > MAX_CALM_EVENTS ? 0 : this.#calmTicks + 1;
    this.#events = 0;
    const hasLeft = this.#mostOpen - open >= CROWD || this.#mostEvents >= BURST;
    if (this.#calmTicks < CALM_TICKS || !hasLeft) return;
    this.#mostOpen = open;
    this.#mostEvents = 0;
    this.#onLeft();
  }
}
