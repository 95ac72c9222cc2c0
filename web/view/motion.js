// The time shown at the live edge. The engine reports how event time relates to its clock. The shown time advances at
// that rate and is eased towards it, so that it does not jump with each status.

const EASE_S = 0.25;
const JUMP_S = 1.5;
const BEYOND_NS = 1.6e9; // the shown time advances for this long after the last heartbeat; then the picture stops

export class MotionClock {
  constructor() {
    this.shown = 0;
  }

  // Advance by `dt` seconds; `wall` is the server's clock. Returns the time to show, ns.
  step(status, wall, dt) {
    if (!status?.anchorEvent) return this.shown;
    const known = Math.min(wall, status.heartbeat + BEYOND_NS);
    const isRunning = Number.isFinite(status.rate) && known === wall;
    const rate = isRunning ? status.rate : 0;
    const target = Number.isFinite(status.rate)
      ? status.anchorEvent + (known - status.anchorWall) * status.rate
      : status.anchorEvent;
    const moved = this.shown + rate * dt * 1e9;
    const off = target - moved;
    if (this.shown === 0 || Math.abs(off) > JUMP_S * 1e9 * Math.max(1, Math.abs(rate))) this.shown = target;
    else {
      const eased = moved + off * (1 - Math.exp(-Math.max(0, dt) / EASE_S));
      this.shown = off >= 0 || rate > 0 ? Math.max(this.shown, eased) : eased;
    }
    return this.shown;
  }
}
