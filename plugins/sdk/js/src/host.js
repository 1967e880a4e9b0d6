/**
 * What the host gives every plugin: lines among the run's events, and figures of the stage. Outside of a component (in
 * tests) lines go to standard error and figures into `figures`.
 */

import { wellFormed } from "./show.js";

export const figures = {};

let host = {
  log: (level, message) => console.error(`${level}: ${message}`),
  metric: (name, value) => (figures[name] ??= []).push(value),
};

/** Sends everything to these functions from now on. Called once, in a component. */
export function connect(functions) {
  host = functions;
}

export const debug = (message) => host.log("debug", wellFormed(message));
export const info = (message) => host.log("info", wellFormed(message));
export const warn = (message) => host.log("warn", wellFormed(message));
export const error = (message) => host.log("error", wellFormed(message));
export const metric = (name, value) => host.metric(name, Number(value));
