/**
 * What a component may reach: `console` writes to the run's events, randomness follows from the row, and the clock is refused
 * in words. (Asking it would end the component without a word. Files, network and timers are not there at all.)
 * Not a wall: the host is the wall, this is the sign.
 */

import * as host from "./host.js";
import { written } from "./show.js";

let granted = [];

/** What the plugin needs and was built with. */
export function grant(needs) {
  granted = needs;
}

const refuseClock = () => {
  if (!granted.includes("clock")) throw new Error("the clock is not granted to this plugin");
};

const writer = (write) => (...values) => write(values.map(written).join(" "));

export function prepare() {
  globalThis.console = {
    debug: writer(host.debug),
    error: writer(host.error),
    info: writer(host.info),
    log: writer(host.info),
    warn: writer(host.warn),
  };
  const OriginalDate = Date;
  const now = OriginalDate.now;
  OriginalDate.now = () => (refuseClock(), now());
  globalThis.Date = new Proxy(OriginalDate, {
    apply: (target, self, values) => (refuseClock(), Reflect.apply(target, self, values)),
    construct: (target, values, made) => {
      if (values.length === 0) refuseClock();
      return Reflect.construct(target, values, made);
    },
  });
  if (globalThis.performance) {
    // As a whole: its `now` cannot be replaced.
    const { performance } = globalThis;
    globalThis.performance = { now: () => (refuseClock(), performance.now()) };
  }
  Math.random = draw;
}

let row = null;
let state = [0, 0, 0, 0];

/** The next draw of `Math.random` follows from `seed`. */
export function begin(seed) {
  row = seed;
}

function draw() {
  if (row !== null) {
    seedFrom(row);
    row = null;
  }
  return (next() * 2 ** 21 + (next() >>> 11)) / 2 ** 53;
}

/** FNV-1a over the text, then four states by splitting it further, as the generator below wants them. */
function seedFrom(text) {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  state = [hash, Math.imul(hash, 0x9e3779b1), text.length, 1];
  for (let i = 0; i < 12; i++) next();
}

/** Doty-Humphrey's small fast counting generator (sfc32): 32 bits a call. */
function next() {
  let [a, b, c, counter] = state;
  const made = (a + b + counter) | 0;
  counter = (counter + 1) | 0;
  a = b ^ (b >>> 9);
  b = (c + (c << 3)) | 0;
  c = ((c << 21) | (c >>> 11)) + made;
  state = [a, b, c | 0, counter];
  return made >>> 0;
}
