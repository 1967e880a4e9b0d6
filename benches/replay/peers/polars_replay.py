"""The benchmark's work in Polars: `polars_replay.py WAY FROM TO`.

eager      everything in memory; of the ways tried to put a value into every turn, taking turns out of their lists and
           grouping them again by trajectory was the fastest
streaming  the same, lazily, by the streaming engine
columns    new columns only, lazily: no whole files come of it, and whoever wants them must join
"""

import sys
from pathlib import Path

import polars as pl

RULE = "<answer>[0-4]</answer>"

LAST_ACTION = pl.col("turns").list.last().struct.field("action")
REWARD = LAST_ACTION.str.contains(RULE).cast(pl.Float32).alias("reward")
OUTCOME = pl.col("reward").cast(pl.Float64)
DEVIATION = OUTCOME.std(ddof=0).over("group_id") + 1e-6
ADVANTAGE = ((OUTCOME - OUTCOME.mean().over("group_id")) / DEVIATION).cast(pl.Float32).alias("advantage")


def regrouped(frame, row):
    """The turns of each trajectory, with the advantage among their fields."""
    turns = frame.select(row, "turns", "advantage").explode("turns")
    turns = turns.select(row, pl.col("turns").struct.with_fields(pl.col("advantage")))
    return turns.group_by(row, maintain_order=True).agg("turns")


def eager(files, to):
    frame = pl.read_parquet(files).with_columns(REWARD).with_columns(ADVANTAGE)
    turns = regrouped(frame, "trajectory_id")["turns"]
    frame.drop("advantage").with_columns(turns).write_parquet(to, compression="zstd", compression_level=1)


def streaming(files, to):
    frame = pl.scan_parquet(files).with_columns(REWARD).with_columns(ADVANTAGE).with_row_index("row")
    whole = frame.drop("turns", "advantage").join(regrouped(frame, "row"), on="row", maintain_order="left").drop("row")
    whole.sink_parquet(to, compression="zstd", compression_level=1, engine="streaming")


def columns(files, to):
    frame = pl.scan_parquet(files).select("trajectory_id", "group_id", REWARD, pl.col("turns").list.len().alias("count"))
    frame = frame.with_columns(ADVANTAGE).select("trajectory_id", "reward", pl.col("advantage").repeat_by("count"))
    frame.sink_parquet(to, compression="zstd", compression_level=1, engine="streaming")


way, source, target = sys.argv[1:]
Path(target).mkdir(parents=True)
{"eager": eager, "streaming": streaming, "columns": columns}[way](f"{source}/*.parquet", f"{target}/whole.parquet")
