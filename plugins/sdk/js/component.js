/** What a component exports, made of the plugin's definition. Imported by the application that `plugin build` writes. */

import { log, metric } from "sternlight:plugin/host@1.0.0";

import { schema } from "./src/config.js";
import { connect } from "./src/host.js";
import { begin, grant, prepare } from "./src/sandbox.js";
import { explain, Failure, Stage } from "./src/stage.js";

// Before the user's module is evaluated: this one is imported first.
connect({ log, metric });
prepare();

export function component(definition) {
  grant(definition.needs);
  let stage = null;
  const columns = (typed) => Object.entries(typed).map(([path, dataType]) => ({ path, dataType }));
  const rows = (batch) => stage.rows(batch).map(result);
  return {
    plugin: {
      describe: () => ({
        name: definition.name,
        version: definition.version,
        summary: definition.summary,
        configSchema: JSON.stringify(schema(definition.config)),
      }),
      configure(config) {
        try {
          stage = new Stage(definition, config, begin);
        } catch (error) {
          throw explain(error);
        }
        return {
          scope: definition.grouped ? "group" : "trajectory",
          rows: definition.kind === "relabel" ? "new" : definition.selects ? "subset" : "same",
          state: definition.keepsState ? "reused" : "fresh",
          reads: columns(definition.reads),
          adds: columns(definition.adds),
          drops: [],
        };
      },
    },
    rewardStage: { score: rows },
    reflectStage: { reflect: rows },
    relabelStage: { relabel: rows },
    advantageStage: { advantage: rows },
    batchStage: { process: (ipc) => valueOf(stage.process(ipc)) },
    environmentStage: {
      tasks: (count, seed) => valueOf(stage.tasks(count, seed)),
      reset: (episodes) => stage.reset(episodes).map(result),
      step: (moves) => stage.step(moves).map(result),
      close: (episodes) => stage.close(episodes),
    },
  };
}

function valueOf(value) {
  if (value instanceof Failure) throw value.message;
  return value;
}

const result = (value) => (value instanceof Failure ? { tag: "err", val: value.message } : { tag: "ok", val: value });
