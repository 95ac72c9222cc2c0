// The bubbles and CVD points of one level of detail on the GPU, and which of them are in view.

import { RowTexture } from "../gl/rows.js";
import { Base, packBubbles, packCvd } from "../market/packing.js";
import { roundEven } from "../view/view.js";
import { radiusRange } from "./discs.js";

const TEXELS = 2;
export const NO_INDEX = -(2 ** 31);

export class Series {
  constructor(gl) {
    this.bubbles = new RowTexture(gl, TEXELS);
    this.cvd = new RowTexture(gl, TEXELS);
    this.lod = null;
    this.base = new Base(0, 0, 1, 1);
    this.#restart();
  }

  #restart() {
    this.origin = 0; // position of row 0
    this.sent = [0, 0]; // positions that are packed
    this.breaksVersion = -1;
    this.version = -1;
    this.covered = null; // position of a closed row in whose place the open one was packed
  }

  // Pack new rows and find the rows in view. Positions in view become rows `first` to `stop` (half-open) of the
  // textures; the open row is the last if `openIndex` is not NO_INDEX.
  update(scene, lod) {
    const { market } = scene;
    this.#chooseBase(scene, lod);
    const { bubbles } = lod;
    const start = bubbles.start;
    const stop = Math.min(bubbles.stop, lod.cvd.stop);
    this.#reserve(start, stop);
    if (market.breaksVersion !== this.breaksVersion) {
      this.breaksVersion = market.breaksVersion;
      this.breaks = market.breaks;
      this.sent = [start, start];
    }
    if (this.sent[0] === this.sent[1]) this.sent = [stop, stop];
    this.#pack(lod, this.sent[1], stop);
    this.#pack(lod, start, Math.min(this.sent[0], stop));
    this.sent = [start, stop];
    if (this.covered !== null) this.#pack(lod, this.covered, Math.min(this.covered + 1, stop));
    this.covered = null;
    const open = openIn(scene, lod);
    // While paused, later rows may have arrived. The open row then replaces the closed row that it became.
    const openAt = open ? Math.min(stop, lod.bubbles.positionOf(open.id)) : stop;
    if (open) {
      this.#packOpen(lod, open, openAt);
      if (openAt < stop) this.covered = openAt;
    }
    this.bubbles.upload();
    this.cvd.upload();
    this.#findVisible(scene, lod, open, stop);
  }

  #chooseBase({ market, price }, lod) {
    const bucket = Math.floor(price.timeAt(price.rect.x + 0.5 * price.rect.width) / lod.widthNs);
    const tick = roundEven(price.top - 0.5 * price.rect.height * price.perPx);
    const isSame = lod === this.lod && lod.version === this.version && market.tickSize === this.base.tickSize;
    if (isSame && this.base.reaches(bucket, tick)) return;
    this.#restart();
    this.lod = lod;
    this.version = lod.version;
    this.base = new Base(bucket, tick * market.tickSize, market.tickSize, lod.widthNs);
  }

  // Make room for positions [start, stop) and the open row, with half of the free space at either end.
  #reserve(start, stop) {
    const needed = stop - start + 2;
    if (start >= this.origin && stop + 2 <= this.origin + this.bubbles.capacity) return;
    for (const rows of [this.bubbles, this.cvd]) rows.reserve(2 * needed);
    this.origin = start - Math.floor((this.bubbles.capacity - needed) / 2);
    this.sent = [start, start];
  }

  #pack(lod, from, to) {
    if (to <= from) return;
    const { bubbles, cvd } = lod;
    const [i, j] = [bubbles.index(from), cvd.index(from)];
    const isFirst = from === bubbles.start;
    const row = from - this.origin;
    packBubbles(
      bubbles,
      i,
      i + to - from,
      this.base,
      this.breaks,
      isFirst ? null : bubbles.id[i - 1],
      this.bubbles,
      row,
    );
    const previous = isFirst || from === cvd.start ? null : [cvd.id[j - 1], cvd.close[j - 1]];
    packCvd(cvd, j, j + to - from, this.base, this.breaks, previous, this.cvd, row);
    this.bubbles.touch(row, row + to - from);
    this.cvd.touch(row, row + to - from);
    // The next row now has this one before it.
    if (to === this.sent[0] && this.sent[1] > to) this.#pack(lod, to, to + 1);
  }

  #packOpen(lod, open, stop) {
    const { bubbles, cvd } = lod;
    const has = stop > bubbles.start;
    const [i, j] = [bubbles.index(stop - 1), cvd.index(stop - 1)];
    const row = stop - this.origin;
    const one = (values) => Object.fromEntries(Object.entries(values).map(([name, value]) => [name, [value]]));
    packBubbles(one(open), 0, 1, this.base, this.breaks, has ? bubbles.id[i] : null, this.bubbles, row);
    packCvd(one(open.cvd), 0, 1, this.base, this.breaks, has ? [cvd.id[j], cvd.close[j]] : null, this.cvd, row);
    this.bubbles.touch(row, row + 1);
    this.cvd.touch(row, row + 1);
  }

  #findVisible(scene, lod, open, stop) {
    const { bubbles } = lod;
    const [first, last] = visibleIds(scene, lod);
    let from = bubbles.positionOf(first);
    if (from > bubbles.start && scene.hiddenBefore <= 0) from--; // for the line that enters from the left
    const shown = scene.until < Infinity ? Math.min(last + 1, Math.floor(scene.until / lod.widthNs)) : last + 1;
    const to = Math.max(from, Math.min(stop, bubbles.positionOf(shown)));
    this.positions = [from, to];
    this.first = from - this.origin;
    this.stop = to - this.origin;
    this.openIndex = NO_INDEX;
    if (open && first <= open.id && open.id <= last && to === Math.min(stop, bubbles.positionOf(open.id))) {
      this.openIndex = this.base.index(open.id);
      this.stop++;
    }
    this.lastIndex = this.openIndex;
    if (this.openIndex === NO_INDEX && to > from) this.lastIndex = this.base.index(bubbles.id[bubbles.index(to - 1)]);
  }
}

// Ids [first, last] whose discs may reach into the pane, limited by clear and pause.
export function visibleIds(scene, lod) {
  const { price } = scene;
  const reach = radiusRange(scene.style, price.scale)[1];
  const width = lod.widthNs;
  return [
    Math.max(Math.floor(price.timeAt(price.rect.x - reach) / width), Math.floor(scene.hiddenBefore / width)),
    Math.min(Math.floor(price.timeAt(price.rect.right + reach) / width), Math.floor(scene.until / width)),
  ];
}

// Calls visit(columns, i) for each bubble with an id from `first` to `last`, oldest first, the open one last.
export function eachBubble(scene, lod, first, last, visit) {
  const { bubbles } = lod;
  const stop = bubbles.index(bubbles.positionOf(last + 1));
  for (let i = bubbles.index(bubbles.positionOf(first)); i < stop; i++) visit(bubbles, i);
  const open = openIn(scene, lod);
  if (open && first <= open.id && open.id <= last) visit(asColumns(open), 0);
}

// A row as columns of length 1.
export function asColumns(row) {
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, [value]]));
}

// The open bubble; while paused, the one that was open at the pause.
export function openIn({ pausedOpen, until }, lod) {
  if (until === Infinity) return lod.openRow;
  return pausedOpen?.lod === lod ? pausedOpen.row : null;
}
