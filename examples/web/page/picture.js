// Bars of time, `{ from, to, presence }`: in order of time, and none overlaps another.

/** The bars of the effective presence, the preference and each session. */
export class Picture {
  /** The last bar has no end. */
  effective = [];
  preferred = [];
  sessions = new Map();

  /** Returns what is before a time, as a picture of its own. It shares what it can, so use it until this one changes. */
  until(at) {
    const picture = new Picture();
    picture.effective = before(this.effective, at);
    picture.preferred = before(this.preferred, at);
    for (const [id, bars] of this.sessions) {
      picture.sessions.set(id, before(bars, at));
    }
    return picture;
  }

  /** Paints a session from `at` on, whose claim is as old as `since`. */
  set(id, at, steps, since) {
    if (!this.sessions.has(id)) {
      this.sessions.set(id, []);
    }
    const bars = this.sessions.get(id);
    cut(bars, at);
    for (const { from, to, presence } of steps) {
      extend(bars, Math.max(since + from, at), since + to, presence);
    }
  }

  /** Removes what is after a time. */
  cut(at) {
    for (const bars of [this.effective, this.preferred, ...this.sessions.values()]) {
      cut(bars, at);
    }
  }
}

/** Returns what is before a time: the bars themselves if all have ended by then, as nothing is added to them. */
function before(bars, at) {
  if (bars.at(-1)?.to < at) {
    return bars;
  }
  const found = bars.slice(0, firstAfter(bars, at) + 1);
  cut(found, at);
  return found;
}

/** Removes what is after a time. */
export function cut(bars, at) {
  while (bars.at(-1)?.from >= at) {
    bars.pop();
  }
  const last = bars.at(-1);
  if (last?.to > at) {
    bars[bars.length - 1] = { ...last, to: at };
  }
}

/** Adds a bar, or makes the last one longer. */
export function extend(bars, from, to, presence) {
  const last = bars.at(-1);
  if (to <= from) {
    return;
  }
  if (last?.to === from && last.presence === presence) {
    bars[bars.length - 1] = { ...last, to };
  } else {
    bars.push({ from, to, presence });
  }
}

/** Changes the presence at a time, for ever after. */
export function change(bars, at, presence) {
  const last = bars.at(-1);
  if (last !== undefined && last.to > at) {
    bars[bars.length - 1] = { ...last, to: at };
  }
  extend(bars, at, Infinity, presence);
}

/** Splits the bars of the preference: where the user is Offline, it waits for a session. */
export function waiting({ preferred, effective }) {
  const bars = [];
  let index = 0;
  for (const { from, to, presence } of preferred) {
    while (effective[index].to <= from) {
      index += 1;
    }
    for (let at = from; at < to; at = bars.at(-1).to) {
      const isWaiting = effective[index].presence === "Offline";
      bars.push({ from: at, to: Math.min(to, effective[index].to), presence, isWaiting });
      index += effective[index].to <= to ? 1 : 0;
    }
  }
  return bars;
}

/**
 * Returns what is seen of bars in a row of pixels, `{ x, width, presence, isWaiting, from, to, hidden, isEnd }`: each
 * pixel has the presence that is longest in it, and pixels of the same presence are one run. `hidden` is how many bars
 * of other presences are inside a pixel of the run, and `isEnd` says that nothing follows it.
 */
export function runs(bars, from, to, pixels) {
  const pixel = (to - from) / pixels;
  const found = [];
  const add = (first, index, x, end, hidden) => {
    const bar = bars[index];
    const last = found.at(-1);
    if (last?.presence === bar.presence && last.isWaiting === bar.isWaiting && last.x + last.width === x) {
      Object.assign(last, { width: end - last.x, to: bar.to, hidden: last.hidden + hidden, index });
    } else {
      found.push({ ...bar, from: bars[first].from, x, width: end - x, hidden, index });
    }
  };
  let index = firstAfter(bars, from);
  for (let x = 0; x < pixels && index < bars.length; ) {
    const bar = bars[index];
    const [start, end] = [from + x * pixel, from + (x + 1) * pixel];
    if (bar.to <= start) {
      index += 1;
    } else if (bar.from >= end) {
      x = Math.max(Math.floor((bar.from - from) / pixel), x + 1);
    } else if (bar.from <= start && bar.to >= end) {
      const last = Math.min(Math.max(Math.floor((bar.to - from) / pixel), x + 1), pixels);
      add(index, index, x, last, 0);
      x = last;
    } else {
      const { first, last, hidden } = longestIn(bars, index, start, end);
      add(first, last, x, x + 1, hidden);
      x += 1;
    }
  }
  for (const run of found) {
    run.isEnd = run.to < to && bars[run.index + 1]?.from !== run.to;
  }
  return found;
}

/** Returns the first and the last bar of the presence that is longest in a pixel, and how many others are in it. */
function longestIn(bars, first, start, end) {
  const found = new Map();
  let inside = 0;
  for (let index = first; index < bars.length && bars[index].from < end; index++) {
    const { from, to, presence, isWaiting } = bars[index];
    const kind = `${presence} ${isWaiting}`;
    const known = found.get(kind) ?? { first: index, last: index, time: 0, inside: 0 };
    const isInside = from >= start && to <= end ? 1 : 0;
    inside += isInside;
    const time = known.time + Math.min(to, end) - Math.max(from, start);
    found.set(kind, { first: known.first, last: index, time, inside: known.inside + isInside });
  }
  const longest = [...found.values()].reduce((one, other) => (other.time > one.time ? other : one));
  return { ...longest, hidden: inside - longest.inside };
}

/** Returns the index of the first bar that ends after a time. */
export function firstAfter(bars, time) {
  let [low, high] = [0, bars.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (bars[middle].to > time) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}
