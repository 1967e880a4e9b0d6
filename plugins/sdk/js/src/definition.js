/** What a plugin says about itself, looked at once, so that a mistake shows while building and not in a run. */

import { isKnown, NAMES } from "./arrow/types.js";
import { KEEP } from "./columns.js";
import { schema } from "./config.js";

/** What the host can grant; a plugin that needs one of these says so, and is built with WASI. */
const GRANTS = ["clock", "environment", "files", "network", "random"];
/** Kinds whose randomness follows from a trajectory's id. */
const SEEDED = ["reward", "reflect", "relabel", "batch"];
const COMMON = ["name", "version", "summary", "config", "reads", "keepsState", "needs"];

export const reward = (about) =>
  define("reward", about, ["score"], {
    adds: { reward: "float32", ...(about.turnRewards ? { "turns.reward": "float32" } : {}) },
    further: ["turnRewards"],
  });

export const reflect = (about) =>
  define("reflect", about, ["reflect"], { adds: { "turns.verdict": "utf8", "turns.diagnosis": "utf8" } });

export const relabel = (about) => define("relabel", about, ["relabel"], { adds: {} });

export const advantage = (about) =>
  define("advantage", about, ["advantage"], { adds: { "turns.advantage": "float32" }, grouped: true });

export function batch(about) {
  const { adds, selects = false } = about;
  if (selects === (adds !== undefined))
    throw new TypeError("batch: expected either `adds`, the columns that it returns, or `selects: true`");
  return define("batch", about, ["process"], {
    adds: selects ? { [KEEP]: "bool" } : added(adds),
    further: ["adds", "selects", "grouped"],
  });
}

export function environment(about) {
  if (about.keepsState) throw new TypeError("environment: an episode knows nothing of others, take `keepsState` out");
  return define("environment", { reads: [], ...about }, ["tasks", "reset"], { adds: {} });
}

function define(kind, about, functions, { adds, further = [], grouped = about.grouped ?? false }) {
  const known = [...COMMON, ...functions, ...further];
  for (const key of Object.keys(about)) {
    if (!known.includes(key)) throw new TypeError(`${kind}: unknown key \`${key}\`, expected one of ${quoted(known)}`);
  }
  if (typeof about.name !== "string" || !/^[a-z][a-z0-9-]*$/.test(about.name))
    throw new TypeError(`${kind}: \`name\` is in kebab-case, found ${JSON.stringify(about.name)}`);
  for (const name of functions) {
    if (typeof about[name] !== "function") throw new TypeError(`${kind} \`${about.name}\` has no function \`${name}\``);
  }
  for (const need of about.needs ?? []) {
    if (!GRANTS.includes(need)) throw new TypeError(`\`needs\`: unknown \`${need}\`, expected one of ${quoted(GRANTS)}`);
  }
  const config = about.config ?? {};
  schema(config); // refuses what is no option
  return Object.freeze({
    ...about,
    kind,
    version: about.version ?? "0.1.0",
    summary: about.summary ?? "",
    config,
    reads: { ...(SEEDED.includes(kind) ? { trajectory_id: "utf8" } : {}), ...columns(about.reads, "reads") },
    adds,
    grouped,
    keepsState: about.keepsState ?? false,
    needs: about.needs ?? [],
  });
}

function columns(named, key) {
  if (named === null || typeof named !== "object")
    throw new TypeError(`\`${key}\` is a list of columns, found ${JSON.stringify(named)}`);
  const typed = Array.isArray(named) ? Object.fromEntries(named.map((path) => [path, ""])) : { ...named };
  for (const path of Object.keys(typed)) {
    if (!/^(turns\.)?[A-Za-z_]\w*$/.test(path))
      throw new TypeError(`\`${key}\`: expected a column such as \`prompt\` or \`turns.action\`, found \`${path}\``);
  }
  return typed;
}

function added(adds) {
  if (adds === null || typeof adds !== "object" || Array.isArray(adds) || Object.keys(adds).length === 0)
    throw new TypeError(`\`adds\` is an object of columns and their types, found ${JSON.stringify(adds)}`);
  for (const [path, dataType] of Object.entries(adds)) {
    if (path === "turns")
      throw new TypeError("`adds`: the turns stay as they are, expected a column such as `turns.length`");
    if (typeof dataType !== "string" || !isKnown(dataType)) {
      const found = JSON.stringify(dataType);
      throw new TypeError(`\`adds\`: \`${path}\` has a type such as ${quoted(NAMES)} or \`list<int32>\`, found ${found}`);
    }
  }
  return columns(adds, "adds");
}

const quoted = (names) => names.map((name) => `\`${name}\``).join(", ");
