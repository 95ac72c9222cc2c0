// The uniform block `Frame` of view.glsl: the view of one level of detail. Panning changes only this block.

import { FRAME_BINDING } from "../gl/programs.js";
import { clipped, splitContracts } from "../market/packing.js";
import { roundEven } from "../view/view.js";
import { opacities, radiusRange, thresholdAt } from "./discs.js";

const FIXED = 56; // numbers before the folds
const MAX_FOLDS = 512;
const NO_INDEX = -(2 ** 31);

export class FrameBlock {
  constructor(gl) {
    this.gl = gl;
    this.buffer = gl.createBuffer();
    this.floats = new Float32Array(FIXED + 4 * MAX_FOLDS);
    this.ints = new Int32Array(this.floats.buffer);
    gl.bindBuffer(gl.UNIFORM_BUFFER, this.buffer);
    gl.bufferData(gl.UNIFORM_BUFFER, this.floats.byteLength, gl.DYNAMIC_DRAW);
  }

  // `reference`: contracts of the largest disc; `opacity`: that of this level while two levels blend.
  fill(scene, series, reference, opacity) {
    const { price, cvd, style, size } = scene;
    const { floats, ints } = this;
    const { base } = series;
    const { palette } = style;
    const pxPerBucket = base.bucketNs / price.nsPerPx;
    let bucket = Math.floor(price.timeAt(price.rect.x + 0.5 * price.rect.width) / base.bucketNs);
    const folds = this.#fillFolds(scene, base);
    if (folds.count) bucket = Math.min(bucket, folds.before);
    const tick = roundEven(price.top - 0.5 * price.rect.height * price.perPx);
    const contracts = roundEven(cvd.top - 0.5 * cvd.rect.height * cvd.perPx);
    const [least, most] = radiusRange(style, price.scale);
    const middle = bucket * base.bucketNs + Math.floor(base.bucketNs / 2);
    floats.set([2 / size.width, 2 / size.height, price.scale, opacity], 0);
    floats.set([price.x(middle), pxPerBucket, price.y(tick), 1 / price.perPx], 4);
    floats.set([cvd.y(contracts), 1 / cvd.perPx, cvd.y(0), 0.75 * price.scale], 8);
    ints.set([base.index(bucket), clipped(tick - base.price / base.tickSize), series.openIndex, 0], 12);
    ints.set([...splitContracts(contracts), folds.count], 16);
    floats[19] = folds.count ? price.folded.keptNs / price.nsPerPx : 0;
    const hovered = scene.hovered === null ? NO_INDEX : base.index(scene.hovered);
    const pinned = scene.pinned === null ? NO_INDEX : base.index(scene.pinned);
    ints.set([hovered, pinned, scene.hovered === null ? 0 : 1, series.lastIndex], 20);
    floats.set([least * least, most * most - least * least, 1 / reference, style.sizeFloor], 24);
    floats.set([thresholdAt(style.threshold, base.bucketNs), ...opacities(pxPerBucket, most)], 28);
    const colors = [palette.buy, palette.sell, palette.balanced, palette.text, palette.quiet, palette.ground];
    colors.forEach((color, at) => floats.set([...color, 1], 32 + 4 * at));
    const gl = this.gl;
    gl.bindBuffer(gl.UNIFORM_BUFFER, this.buffer);
    gl.bufferSubData(gl.UNIFORM_BUFFER, 0, floats, 0, FIXED + 4 * folds.count);
  }

  // Write the folds in view. Returns their number, and a bucket that lies before the first one.
  #fillFolds({ price, style }, base) {
    const { folded } = price;
    if (!folded.starts.length) return { count: 0, before: 0 };
    const reach = radiusRange(style, price.scale)[1];
    const ends = [price.timeAt(price.rect.x - reach), price.timeAt(price.rect.right + reach)];
    const [first, stop] = folded.within(...ends);
    const count = Math.min(stop - first, MAX_FOLDS);
    let before = Infinity;
    for (let number = 0; number < count; number++) {
      const [begin, end] = folded.buckets(first + number, base.bucketNs);
      const at = FIXED + 4 * number;
      this.ints[at] = base.index(begin);
      this.ints[at + 1] = base.index(end);
      this.floats[at + 2] = price.x(end * base.bucketNs + Math.floor(base.bucketNs / 2));
      this.floats[at + 3] = price.x(folded.starts[first + number]);
      before = Math.min(before, begin - 1);
    }
    return { count, before };
  }

  bind() {
    this.gl.bindBufferBase(this.gl.UNIFORM_BUFFER, FRAME_BINDING, this.buffer);
  }
}
