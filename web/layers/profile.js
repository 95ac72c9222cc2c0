// The bars of a volume profile, growing leftwards, split into buy, sell and unsided. Rows thinner than two pixels are
// summed on fixed multiples of the price grid, so that no volume is lost.

import { RowTexture } from "../gl/rows.js";
import { UNDEF_PRICE } from "../market/market.js";
import { roundEven } from "../view/view.js";

const MIN_ROW_PX = 2;
const FILL = 0.96;
const OPACITY = 0.3;
const FAR = 2 ** 30;
const NOWHERE = 2 ** 31;

export class ProfileBars {
  constructor(gl, programs, drawing) {
    this.gl = gl;
    this.program = programs.get("profile");
    this.drawing = drawing;
    this.rows = new RowTexture(gl, 1);
    this.key = null;
    this.numbers = [];
  }

  // Take a profile's rows, merged for a view. Uploaded only if the profile, its version or the merging has changed.
  update(profile, scene) {
    const perBar = profile ? rowsPerBar(profile, scene) : 0;
    if (!perBar) {
      this.numbers = [];
      this.key = null;
      return;
    }
    if (this.key?.[0] === profile && this.key[1] === profile.version && this.key[2] === perBar) return;
    this.key = [profile, profile.version, perBar];
    const rowSize = profile.tickSize * profile.ticksPerRow;
    const first = roundEven(profile.base / rowSize);
    const { row, buy, sell, unsided } = profile;
    this.rows.reserve(row.length);
    const { ints, floats } = this.rows;
    this.lowest = Math.floor((first + row[0]) / perBar);
    this.numbers = [];
    this.totals = [];
    let bar = -1;
    for (let i = 0; i < row.length; i++) {
      const number = Math.floor((first + row[i]) / perBar) - this.lowest;
      if (number !== this.numbers[bar]) {
        this.numbers[++bar] = number;
        this.totals[bar] = 0;
        floats.fill(0, 4 * bar, 4 * bar + 3);
        ints[4 * bar + 3] = number;
      }
      floats[4 * bar] += buy[i];
      floats[4 * bar + 1] += sell[i];
      floats[4 * bar + 2] += unsided[i];
      this.totals[bar] += buy[i] + sell[i] + unsided[i];
    }
    this.most = this.totals.reduce((a, b) => Math.max(a, b), 1);
    this.barSize = rowSize * perBar;
    this.tickSize = profile.tickSize;
    this.levels = [profile.poc, profile.val, profile.vah];
    this.rows.touch(0, this.numbers.length);
    this.rows.upload();
  }

  // Length of the bar at a price if the longest bar is `width` px long; 0 without a bar.
  length(price, width) {
    const at = this.numbers.indexOf(Math.floor(price / this.barSize) - this.lowest);
    return at < 0 ? 0 : (FILL * width * this.totals[at]) / this.most;
  }

  draw(scene, rect) {
    if (!this.numbers.length || rect.width <= 0) return;
    const { price: view, market } = scene;
    const barPx = this.barSize / market.tickSize / view.perPx;
    const middle = Math.floor(((view.top - 0.5 * view.rect.height * view.perPx) * market.tickSize) / this.barSize);
    const origin = Math.min(Math.max(middle - this.lowest, -FAR), FAR);
    const first = (this.lowest + origin) * this.barSize;
    // Bars are centred on their ticks: a bar of one tick extends half a tick either way.
    const y = view.y((first + 0.5 * (this.barSize - this.tickSize)) / market.tickSize);
    const [poc, low, high] = this.levels.map((price) =>
      price === UNDEF_PRICE ? NOWHERE : Math.floor((price - first) / this.barSize),
    );
    const gl = this.gl;
    this.program.use();
    gl.uniform4f(this.program.at("u_places"), y, barPx, poc, OPACITY);
    gl.uniform1i(this.program.at("u_origin_bar"), origin);
    gl.uniform4f(this.program.at("u_bars"), rect.right, (FILL * rect.width) / this.most, low, high);
    this.drawing.quads(this.rows, 0, this.numbers.length);
  }

  release() {
    this.rows.release();
  }
}

// Number of rows per bar that makes a bar at least two pixels high; 0 without rows.
function rowsPerBar(profile, { price, market }) {
  const rowSize = profile.tickSize * profile.ticksPerRow;
  if (!(rowSize > 0) || !profile.row.length) return 0;
  const rowPx = rowSize / market.tickSize / price.perPx;
  let count = 1;
  while (count * rowPx < MIN_ROW_PX * price.scale && count < FAR) count *= 2;
  return count;
}
