/** Plugins for sternlight pipelines. A module `plugin.js` exports one of these as its default. */

/** One decision: what was observed, what was done. A column that is not read is null, or "" where it cannot be null. */
export interface Turn {
  observation: string;
  action: string;
  toolName: string | null;
  /** The arguments as the model wrote them: JSON, if it wrote JSON. */
  toolArguments: string | null;
  reward: number | null;
  verdict: string | null;
  diagnosis: string | null;
  actionTokens: number[] | null;
  actionLogprobs: number[] | null;
  /** Further columns that the plugin reads, in camel case: `turns.tool_error` is `toolError`. */
  [column: string]: any;
}

/** One episode. */
export interface Trajectory {
  id: string;
  group: string;
  task: string | null;
  prompt: string | null;
  turns: Turn[];
  finalObservation: string | null;
  /** null: not scored, which is not 0. */
  reward: number | null;
  success: boolean | null;
  /** In decimal: it may not fit a number. */
  seed: string | null;
  status: "done" | "truncated" | "failed" | null;
  /** Further columns that the plugin reads, in camel case. */
  [column: string]: any;
}

/** An option of the stage's `with:`. One without `default` must be given. */
export interface Option<T> {
  readonly schema: object;
  readonly fallback: T | undefined;
  decode(value: unknown, where: string): T;
}

export interface About<T> {
  description?: string;
  default?: T;
}

export interface Bounds {
  /** The least value allowed. */
  minimum?: number;
  /** The greatest value allowed. */
  maximum?: number;
}

export function boolean(about?: About<boolean>): Option<boolean>;
export function integer(about?: About<number> & Bounds): Option<number>;
export function number(about?: About<number> & Bounds): Option<number>;
export function text(about?: About<string>): Option<string>;
export function oneOf<const T extends string | number>(values: readonly T[], about?: About<T>): Option<T>;
export function list<T>(item: Option<T>, about?: About<T[]>): Option<T[]>;
/** An option that may be null or left out. */
export function optional<T>(of: Option<T>): Option<T | null>;

export type Options = Record<string, Option<any>>;

/** What the functions of a plugin get for its options. */
export type Config<O extends Options> = { [K in keyof O]: O[K] extends Option<infer T> ? T : never };

/** What the host can grant; the pipeline must agree. */
export type Grant = "clock" | "environment" | "files" | "network" | "random";

interface Common<O extends Options> {
  /** In kebab-case. */
  name: string;
  version?: string;
  /** One sentence. */
  summary?: string;
  config?: O;
  /** An instance goes from shard to shard, with what it remembers: the stage's output is then not reproducible. */
  keepsState?: boolean;
  needs?: Grant[];
}

interface Reading<O extends Options> extends Common<O> {
  /**
   * The columns that the plugin looks at: `["prompt", "turns.action"]`, or with their Arrow types
   * `{ "turns.tool_error": "bool" }`; `turns` alone is their number. No others are sent to it.
   */
  reads: string[] | Record<string, string>;
}

export interface Outcome {
  reward?: number | null;
  /** Only with `turnRewards: true`: one a turn. */
  turnRewards?: Iterable<number | null> | null;
}

export interface RewardPlugin<O extends Options> extends Reading<O> {
  turnRewards?: boolean;
  /** null: not scored, which is not 0. */
  score(trajectory: Trajectory, config: Config<O>): number | null | Outcome;
}

export interface Reflection {
  verdict?: string | null;
  diagnosis?: string | null;
}

export interface ReflectPlugin<O extends Options> extends Reading<O> {
  /** One a turn. */
  reflect(trajectory: Trajectory, config: Config<O>): Iterable<Reflection | null>;
}

/** What is new about one turn. Without a reward here it has none in the copy; a weight that is left out stays. */
export interface TurnEdit {
  turn: number;
  reward?: number | null;
  weight?: number | null;
}

/** A copy of the trajectory under another goal; what is left out stays, but `task` gets a suffix. */
export interface Relabelled {
  task?: string | null;
  prompt?: string | null;
  reward?: number | null;
  success?: boolean | null;
  /** Keep only the first turns of the episode. */
  keepTurns?: number | null;
  confidence?: number | null;
  turns?: Iterable<TurnEdit>;
}

export interface RelabelPlugin<O extends Options> extends Reading<O> {
  relabel(trajectory: Trajectory, config: Config<O>): Iterable<Relabelled> | null;
}

export interface AdvantagePlugin<O extends Options> extends Reading<O> {
  /** Sees all trajectories of a group: for each, one number a turn. */
  advantage(group: Trajectory[], config: Config<O>): Iterable<Iterable<number | null>>;
}

/** Arrow types in the words of the contract. */
export type DataType =
  | "bool"
  | `int${8 | 16 | 32 | 64}`
  | `uint${8 | 16 | 32 | 64}`
  | `float${32 | 64}`
  | "utf8"
  | `list<${string}>`;

/** A value of a column; of the types `int64` and `uint64` a BigInt. */
export type Value = boolean | number | bigint | string | null | Value[];

/**
 * Trajectories, column by column. A column of trajectories has one value for each of them; a column below `turns` one value
 * for each turn of all of them, in order: `turns` says whose they are.
 */
export interface Batch {
  /** Number of trajectories. */
  readonly rows: number;
  /**
   * The values of `prompt` or `turns.action`, null where there is none. They are made once: do not change the list.
   * Columns of `int64` and `uint64` have BigInts, whatever their values, so that none is rounded.
   */
  column(path: string): any[];
  /** The turns of each trajectory, as places in the columns below `turns`: from `start` to before `end`. */
  readonly turns: readonly { start: number; end: number }[];
  /** Values of all turns, cut into those of each trajectory. */
  byTrajectory<T>(values: T[]): T[][];
  /** Says why a trajectory has no value. What is returned for it then does not matter; other rows go on. */
  fail(row: number, message: string): void;
}

interface OverBatches<O extends Options> extends Reading<O> {
  /** Whole groups are sent, the rows of each one after the other. */
  grouped?: boolean;
}

export interface AddingPlugin<O extends Options> extends OverBatches<O> {
  /** The columns that it returns, with their types: `{ "turns.length": "int32" }`. */
  adds: Record<string, DataType>;
  /** For each of these columns one value a trajectory, or a turn of all trajectories. Numbers fit `int64` too, up to 2⁵³. */
  process(batch: Batch, config: Config<O>): Record<string, Iterable<Value | undefined>>;
}

export interface SelectingPlugin<O extends Options> extends OverBatches<O> {
  selects: true;
  /** Whether each trajectory stays. */
  process(batch: Batch, config: Config<O>): Iterable<boolean>;
}

/** A task of an environment. */
export interface Task<D = any> {
  id: string;
  /** The environment's own: anything that JSON can hold. */
  data?: D;
  /** Below 2³². */
  seed?: number;
}

export interface Step {
  observation: string;
  reward?: number;
  done?: boolean;
  success?: boolean | null;
}

export interface Episode {
  prompt: string;
  observation: string;
  step(action: string): Step;
}

export interface EnvironmentPlugin<O extends Options, D> extends Common<O> {
  /** As many as asked for, the same for the same seed. */
  tasks(count: number, seed: number, config: Config<O>): Iterable<Task<D>>;
  reset(task: Required<Task<D>>, config: Config<O>): Episode;
}

/** A plugin, with the functions it was made of. */
export type Plugin<P> = Readonly<P> & { readonly kind: string };

export function reward<O extends Options = {}>(about: RewardPlugin<O>): Plugin<RewardPlugin<O>>;
export function reflect<O extends Options = {}>(about: ReflectPlugin<O>): Plugin<ReflectPlugin<O>>;
export function relabel<O extends Options = {}>(about: RelabelPlugin<O>): Plugin<RelabelPlugin<O>>;
export function advantage<O extends Options = {}>(about: AdvantagePlugin<O>): Plugin<AdvantagePlugin<O>>;
export function batch<O extends Options = {}>(about: AddingPlugin<O>): Plugin<AddingPlugin<O>>;
export function batch<O extends Options = {}>(about: SelectingPlugin<O>): Plugin<SelectingPlugin<O>>;
export function environment<O extends Options = {}, D = any>(
  about: EnvironmentPlugin<O, D>,
): Plugin<EnvironmentPlugin<O, D>>;

/** A line that only a verbose run shows. */
export function debug(message: string): void;
/** A line among the run's events; `console.log` does the same. */
export function info(message: string): void;
export function warn(message: string): void;
/** An error among the run's events. It stops nothing: throw to fail a row. */
export function error(message: string): void;
/** A figure of this stage; the run shows the mean of each name. */
export function metric(name: string, value: number): void;
