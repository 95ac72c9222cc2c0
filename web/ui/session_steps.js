// Steps from session to session: the open of the one before or after the left border is placed near that border.

import { sessionsOf } from "../layers/sessions.js";
import { EDGE_SHARE } from "../view/axes.js";

const MARGIN_SHARE = 0.02;

// Move the time axis by one session back (-1) or on (1). Returns a message if there is none.
export function stepSession({ market, time, now, timeline }, direction) {
  if (!market) return "";
  const starts = sessionsOf(market).map(({ start }) => start);
  const margin = MARGIN_SHARE * time.width;
  const left = time.timeAt(0, now, timeline);
  const slack = 2 * margin * time.nsPerPx;
  const found =
    direction < 0 ? starts.findLast((start) => start < left - slack) : starts.find((start) => start > left + slack);
  if (found === undefined) {
    if (direction > 0) time.follow();
    return direction < 0 ? "no earlier session is known" : "this is the newest session";
  }
  const folded = timeline.folds.at(time.nsPerPx);
  const edge = folded.shifted(found, (EDGE_SHARE * time.width - margin) * time.nsPerPx);
  time.fixedTime = edge < now ? edge : null;
  return "";
}
