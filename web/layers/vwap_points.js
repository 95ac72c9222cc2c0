// The points of a session's VWAP: its first trade (that trade's price, deviation 0), the end of each minute with trades
// and, while it runs, its newest trade. Between two of them VWAP changes evenly over the time in which trades were seen:
// it holds during gaps and in minutes without trades, whose ends are points too.

const MINUTE_NS = 60e9;
const PAUSE_NS = 3 * MINUTE_NS; // where minutes are left out, shorter times without trades are slopes

// What is known of a session: minutes [first, stop), the first trade and the newest values; null if there is no line.
function knownOf({ market: { minutes }, now, until }, { start, end, isFinished, numbers }) {
  const { firstTs, lastTs, open, vwap, vwapSd } = numbers;
  // A minute belongs to the session in which it began. A float64 has room for times in steps of 256 ns.
  const last = Math.min(end, now, until);
  const [first, stop] = [Math.max(start, firstTs), last].map((time) => minutes.index(minutes.positionOf(time + 512)));
  const isPresent = !isFinished && until >= now && Number.isFinite(vwap) && Number.isFinite(vwapSd);
  const minuteEnd = (Math.floor(firstTs / MINUTE_NS) + 1) * MINUTE_NS;
  // Until the first minute's row has arrived, the session has traded in no later minute than the next one.
  const isJoined = first < stop ? minutes.tsEvent[first] === minuteEnd : lastTs < minuteEnd + MINUTE_NS;
  if (first >= stop && !(isPresent && isJoined)) return null;
  const newest = Math.max(first < stop ? minutes.tsEvent[stop - 1] : firstTs, Math.min(lastTs, last));
  // If nothing has traded since the last minute, its values are the present ones.
  const isLast = isPresent && first < stop && minutes.tsEvent[stop - 1] === newest;
  return {
    first,
    stop: Math.max(first, stop - isLast),
    newest,
    begin: isJoined ? [firstTs, open / 1e9, 0] : null,
    present: isPresent ? [newest, last].map((time) => [time, vwap, vwapSd]) : [],
  };
}

// Times [start, end) in which nothing was seen to trade, ascending and disjoint.
function holdsOf(gaps, times, pause) {
  const found = gaps.map(({ start, end, isOpen }) => [start, isOpen ? Infinity : end]);
  for (let i = 1; i < times.length; i++)
    if (times[i] - times[i - 1] > pause) found.push([times[i - 1], times[i] - MINUTE_NS]);
  found.sort((a, b) => a[0] - b[0]);
  const holds = [];
  for (const [start, end] of found)
    if (holds.length && start <= holds.at(-1)[1]) holds.at(-1)[1] = Math.max(holds.at(-1)[1], end);
    else holds.push([start, end]);
  return holds;
}

// The time in which trades were seen up to each of ascending times.
function tradedUntil(times, holds) {
  let [hold, held] = [0, 0];
  return times.map((time) => {
    for (; hold < holds.length && holds[hold][1] <= time; hold++) held += holds[hold][1] - holds[hold][0];
    return time - held - (hold < holds.length ? Math.max(0, time - holds[hold][0]) : 0);
  });
}

// Points at the ends of the holds among points.
function heldPoints(points, holds) {
  const [from, to] = [points[0][0], points.at(-1)[0]];
  const seen = holds.filter(([start, end]) => end > from && start < to && end > start);
  const ends = seen.flat().filter((time) => time > from && time < to);
  const xs = tradedUntil(
    points.map(([time]) => time),
    seen,
  );
  let at = 0;
  return tradedUntil(ends, seen).map((x, i) => {
    while (at + 1 < xs.length && xs[at + 1] <= x) at++;
    return [ends[i], ...between(points[at], points[at + 1], (x - xs[at]) / (xs[at + 1] - xs[at]))];
  });
}

function between([, ...before], after, part) {
  return part ? before.map((value, i) => value + part * (after[i + 1] - value)) : before;
}

// A session's points [time, vwap, deviation] from the last one before a range to the first one after it; [] if none is
// known. Of more than `most` minutes, every n-th is returned, the same ones wherever the range begins.
export function vwapPoints(scene, session, left, right, most = Infinity) {
  const { minutes, gaps } = scene.market;
  const known = knownOf(scene, session);
  if (!known) return [];
  const { first, stop, begin, present, newest } = known;
  const [low, high] = [left, right].map((time) => minutes.index(minutes.positionOf(time)));
  const from = Math.max(Math.min(low - 1, stop - 1), first);
  const to = Math.min(Math.max(high, first) + 1, stop);
  const step = Math.max(1, Math.ceil((to - from) / most));
  const rows = [];
  for (let i = from; i < to; i++) rows.push([minutes.tsEvent[i], minutes.vwap[i], minutes.vwapSd[i]]);
  const [head, tail] = [begin && from === first ? [begin] : [], to === stop ? present : []];
  const times = rows.map(([time]) => time);
  if (tail.length) times.push(Math.ceil(newest / MINUTE_NS) * MINUTE_NS);
  const holds = holdsOf(gaps, times, step > 1 ? PAUSE_NS : MINUTE_NS);
  const kept = rows.filter((_, i) => (from + i) % step === 0 || from + i === to - 1);
  const held = heldPoints([...head, ...rows, ...tail], holds);
  const found = [...head, ...kept, ...tail, ...held].sort((a, b) => a[0] - b[0]);
  return found.filter(([time], i) => !i || time > found[i - 1][0]);
}

// VWAP and standard deviation of a session at a time, as the line shows them; null if none of its minutes is known.
export function vwapAt(scene, session, time) {
  const points = vwapPoints(scene, session, time, time);
  if (!points.length) return null;
  const after = points.findIndex(([at]) => at > time);
  if (after === 0) return points[0].slice(1);
  if (after < 0) return points.at(-1).slice(1);
  const [a, b] = [points[after - 1], points[after]];
  return between(a, b, (time - a[0]) / (b[0] - a[0]));
}
