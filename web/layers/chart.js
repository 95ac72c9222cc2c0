// One chart on the GPU: its layers in draw order, bottom to top. The order is that of the desktop's layers/stack.py;
// labels are placed in the same order.

import { Atlas } from "../gl/atlas.js";
import { Programs } from "../gl/programs.js";
import { RowDrawing } from "../gl/rows.js";
import { ShapeBatch } from "../gl/shapes.js";
import { TextBatch } from "../gl/text.js";
import { priceTicks, timeTicks, valueTicks } from "../view/ticks.js";
import { Rect, roundEven } from "../view/view.js";
import { addAxes, addCrosshair } from "./axes.js";
import { Counts } from "./counts.js";
import { opacities, radiusRange } from "./discs.js";
import { Events } from "./events.js";
import { FrameBlock } from "./frame_block.js";
import { addGaps } from "./gaps.js";
import { addGrid } from "./grid.js";
import { addFixedLevels } from "./fixed_levels.js";
import { Placed, mix } from "./labels.js";
import { addLegend } from "./legend.js";
import { addLevels } from "./levels.js";
import { addMarks } from "./marks.js";
import { addOffScale } from "./off_scale.js";
import { ProfileBars } from "./profile.js";
import { NewestDiscs } from "./right_edge.js";
import { NO_INDEX, Series } from "./series.js";
import {
  addRolls,
  addSessionNames,
  contractLeft,
  currentProfile,
  finishedProfile,
  sessionsInView,
} from "./sessions.js";
import { addStaleFrame, dimmedGround } from "./stale.js";
import { addVwap } from "./vwap.js";

const BLEND_S = 0.15; // time in which one level of detail fades into the next
const AREA_VERTICES = 6;

export class Chart {
  constructor(gl, sources) {
    this.gl = gl;
    this.programs = new Programs(gl, sources);
    this.drawing = new RowDrawing(gl);
    this.atlas = new Atlas(gl);
    const parts = [gl, this.programs, this.drawing];
    [this.under, this.curves, this.marks, this.over] = [0, 1, 2, 3].map(() => new ShapeBatch(...parts));
    this.text = new TextBatch(...parts, this.atlas);
    this.counts = new Counts(...parts, this.atlas);
    this.bars = new ProfileBars(...parts);
    this.finishedBars = new Map();
    this.series = [new Series(gl), new Series(gl)];
    this.blocks = [new FrameBlock(gl), new FrameBlock(gl)];
    this.events = new Events();
    this.placed = new Placed();
    this.newest = new NewestDiscs();
    this.ticks = { time: [], prices: [], cvd: [] };
    this.current = 0;
    this.blendFrom = -Infinity;
    this.largestPoint = gl.getParameter(gl.ALIASED_POINT_SIZE_RANGE)[1];
    gl.enable(gl.BLEND);
    gl.blendFuncSeparate(gl.SRC_ALPHA, gl.ONE_MINUS_SRC_ALPHA, gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
  }

  // Draw a scene. Returns whether an animation is still running (a blend, a flash).
  draw(scene) {
    const blend = this.#update(scene);
    this.#collect(scene);
    this.#paint(scene, blend);
    return blend < 1 || this.events.isFlashing(scene.wall);
  }

  // Update the rows on the GPU; returns the opacity of the current level of detail.
  #update(scene) {
    const { lod, wall } = scene;
    this.atlas.beginFrame();
    let shown = this.series[this.current];
    if (shown.lod !== lod) {
      const canBlend = shown.lod !== null && scene.market.lods.includes(shown.lod) && shown.stop > shown.first;
      this.blendFrom = canBlend ? wall : -Infinity;
      this.current = 1 - this.current;
      shown = this.series[this.current];
    }
    shown.update(scene, lod);
    const blend = Math.min(1, (wall - this.blendFrom) / BLEND_S);
    this.drawn = [[shown, this.blocks[0]]];
    this.blocks[0].fill(scene, shown, scene.shown.reference, blend);
    if (blend < 1) {
      const leaving = this.series[1 - this.current];
      leaving.update(scene, leaving.lod);
      const reference = (scene.shown.reference * leaving.base.bucketNs) / shown.base.bucketNs;
      this.blocks[1].fill(scene, leaving, reference, 1 - blend);
      this.drawn.unshift([leaving, this.blocks[1]]);
    }
    this.bars.update(scene.style.visible.has("profile") ? scene.market.profile : null, scene);
    return blend;
  }

  #collect(scene) {
    for (const batch of [this.under, this.curves, this.marks, this.over, this.text, this.placed]) batch.clear();
    const { market, price, cvd } = scene;
    const hasTrades = market.hasTrades && price.perPx > 0;
    this.ticks = {
      time: scene.now > 0 ? timeTicks(price, scene.now) : [],
      prices: hasTrades ? priceTicks(price, market.tickSize) : [],
      cvd: hasTrades ? valueTicks(cvd) : [],
    };
    addStaleFrame(this, scene);
    addGaps(this, scene);
    addGrid(this, scene);
    addRolls(this, scene);
    addSessionNames(this, scene);
    this.events.add(this, scene);
    addLegend(this, scene);
    addOffScale(this, scene);
    addMarks(this, scene);
    addLevels(this, scene);
    addFixedLevels(this, scene);
    addVwap(this, scene);
    addLastPriceLine(this, scene);
    addZeroLine(this, scene);
    this.counts.update(this, scene, this.series[this.current]);
    addAxes(this, scene);
    addCrosshair(this, scene);
  }

  #paint(scene, blend) {
    const { gl } = this;
    const { size, price, cvd, style } = scene;
    const [whole, panes] = [new Rect(0, 0, size.width, size.height), new Rect(0, 0, price.rect.width, cvd.rect.bottom)];
    gl.viewport(0, 0, size.width, size.height);
    this.#clear(style.palette.ground);
    gl.enable(gl.SCISSOR_TEST);
    if (!scene.isLive) {
      this.#clip(size, panes);
      this.#clear(dimmedGround(style.palette));
    }
    this.drawing.begin();
    this.atlas.bind();
    gl.activeTexture(gl.TEXTURE0);
    this.blocks[0].bind();
    this.#clip(size, price.rect);
    this.#drawProfiles(scene);
    this.#clip(size, whole);
    this.under.draw(size);
    this.#clip(size, price.rect);
    this.curves.draw(size);
    if (style.visible.has("price")) this.#drawPath();
    if (style.visible.has("bubbles")) this.#drawBubbles(scene);
    this.blocks[0].bind();
    this.counts.draw();
    this.marks.draw(size);
    this.#clip(size, cvd.rect);
    if (style.visible.has("cvd")) this.#drawCvd(style.hasCandles);
    this.#clip(size, whole);
    this.over.draw(size);
    this.text.draw(size);
    gl.disable(gl.SCISSOR_TEST);
  }

  #clear(color) {
    this.gl.clearColor(...color, 1);
    this.gl.clear(this.gl.COLOR_BUFFER_BIT);
  }

  #clip(size, rect) {
    this.gl.scissor(rect.x, size.height - rect.bottom, rect.width, rect.height);
  }

  #drawProfiles(scene) {
    const { visible } = scene.style;
    if (!visible.has("profile")) return;
    const seen = visible.has("earlier_profiles") ? sessionsInView(scene) : [];
    const kept = new Set();
    for (const { session, left, right } of seen) {
      if (!session.isFinished) continue;
      kept.add(session.profile);
      if (!this.finishedBars.has(session.profile)) {
        this.finishedBars.set(session.profile, new ProfileBars(this.gl, this.programs, this.drawing));
      }
      const bars = this.finishedBars.get(session.profile);
      bars.update(session.profile, scene);
      bars.draw(scene, finishedProfile(scene, left, right));
    }
    for (const [profile, bars] of this.finishedBars) {
      if (kept.has(profile)) continue;
      bars.release();
      this.finishedBars.delete(profile);
    }
    this.bars.draw(scene, currentProfile(scene));
  }

  #drawPath() {
    this.programs.get("path").use();
    for (const [series, block] of this.drawn) {
      block.bind();
      this.drawing.quads(series.bubbles, series.first, series.stop - series.first, 2);
    }
  }

  // If discs are too crowded to glow, all but the open one are drawn as points: a simpler shader, one vertex each.
  #drawBubbles(scene) {
    const { price, style } = scene;
    const radius = radiusRange(style, price.scale)[1] + 1;
    const isPointedAt = scene.hovered !== null || scene.pinned !== null;
    for (const [series, block] of this.drawn) {
      block.bind();
      let { first } = series;
      const glow = opacities(series.base.bucketNs / price.nsPerPx, radius - 1)[2];
      if (!isPointedAt && glow === 0 && 2 * radius <= this.largestPoint) {
        const stop = series.stop - (series.openIndex !== NO_INDEX ? 1 : 0);
        this.#drawPoints(scene.size, series, stop, Math.floor(radius) + 1);
        first = stop;
      }
      this.programs.get("bubble").use();
      this.drawing.quads(series.bubbles, first, series.stop - first);
    }
  }

  // Points whose centre is outside the viewport are not drawn, so it is enlarged by the radius of a disc.
  #drawPoints({ width, height }, series, stop, margin) {
    const { gl } = this;
    const program = this.programs.get("disc");
    const [wide, high] = [width + 2 * margin, height + 2 * margin];
    gl.viewport(-margin, -margin, wide, high);
    program.use();
    gl.uniform2f(program.at("u_narrowed"), width / wide, height / high);
    this.drawing.vertices(series.bubbles, series.first, stop - series.first, gl.POINTS, 1);
    gl.viewport(0, 0, width, height);
  }

  #drawCvd(hasCandles) {
    const { gl, drawing } = this;
    const draw = (name, drawRows) => {
      this.programs.get(name).use();
      for (const [series, block] of this.drawn) {
        block.bind();
        drawRows(series.cvd, series.first, series.stop - series.first);
      }
    };
    if (hasCandles) draw("cvd_candle", (rows, first, count) => drawing.quads(rows, first, count, 2));
    else {
      draw("cvd_area", (rows, first, count) => drawing.vertices(rows, first, count - 1, gl.TRIANGLES, AREA_VERTICES));
      draw("cvd_line", (rows, first, count) => drawing.quads(rows, first, count - 1));
    }
  }
}

function addLastPriceLine(chart, scene) {
  const {
    price: { rect, scale },
    market,
    shown,
    style: { palette, visible },
  } = scene;
  if (!visible.has("price") || !shown.lastPrice) return;
  const y = roundEven(scene.price.y(shown.lastPrice / market.tickSize));
  if (y < rect.y || y >= rect.bottom) return;
  const line = Math.max(1, roundEven(scale));
  const left = contractLeft(scene);
  chart.under.dashed(left, y, rect.right - left, line, palette.plate, 0.7, 4 * line, line);
}

function addZeroLine(chart, scene) {
  const {
    cvd: { rect, scale },
    style: { palette, visible },
  } = scene;
  const y = roundEven(scene.cvd.y(0));
  if (!visible.has("cvd") || y < rect.y || y >= rect.bottom) return;
  const line = Math.max(1, roundEven(scale));
  const color = mix(palette.grid, palette.quiet, 0.55);
  chart.under.dashed(rect.x, y, rect.width, line, color, 1, 6 * line, 3 * line);
}
