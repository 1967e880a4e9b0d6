"""Whether results are the same: `compare.py INPUT NAME=PLACE...`, each place a directory of Parquet files or a manifest of
a store. Rewards must be equal, advantages to a millionth (they are float32, and means are summed in different orders), and
where a result holds the texts, these must be the input's, byte for byte.
"""

import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

TOLERANCE = 1e-6
BATCH_ROWS = 1000


def column_of(batch, path):
    """The flat values of a column: one a row, or for `turns.x` one a turn."""
    if not path.startswith("turns."):
        return batch.column(path)
    return pc.struct_field(batch.column("turns").flatten(), path.removeprefix("turns."))


def leaves_of(parquet, path):
    """The leaf of a column, whatever the file's writer calls the elements of lists."""
    leaves = [parquet.schema.column(index).path for index in range(len(parquet.schema))]
    if not path.startswith("turns."):
        return [leaf for leaf in leaves if leaf == path]
    name = path.removeprefix("turns.")
    return [leaf for leaf in leaves if leaf.startswith("turns.") and leaf.rsplit(".", 1)[-1] == name]


def batches(files, path):
    for file in files:
        parquet = pq.ParquetFile(file)
        yield from parquet.iter_batches(BATCH_ROWS, columns=leaves_of(parquet, path))


def floats(files, path):
    parts = [column_of(batch, path).to_numpy(zero_copy_only=False) for batch in batches(files, path)]
    return np.concatenate(parts).astype(np.float32)


def text_digest(files, path):
    text, lengths = hashlib.blake2b(), hashlib.blake2b()
    for batch in batches(files, path):
        values = column_of(batch, path).cast(pa.large_string())
        lengths.update(pc.binary_length(values).to_numpy(zero_copy_only=False).astype(np.int64).tobytes())
        offsets = np.frombuffer(values.buffers()[1], np.int64)[values.offset : values.offset + len(values) + 1]
        text.update(memoryview(values.buffers()[2])[offsets[0] : offsets[-1]])
    return text.hexdigest(), lengths.hexdigest()


def advantages(files):
    """One value a turn, or lists of them where a result has them beside the turns."""
    names = pq.ParquetFile(files[0]).schema_arrow.names
    if "advantage" not in names:
        return floats(files, "turns.advantage")
    lists = [pq.read_table(file, columns=["advantage"])["advantage"].combine_chunks().flatten() for file in files]
    return np.concatenate([part.to_numpy(zero_copy_only=False) for part in lists])


def of_directory(place):
    files = sorted(Path(place).glob("*.parquet"))
    return floats(files, "reward"), advantages(files), files


def of_manifest(place):
    manifest = json.loads(Path(place).read_text())
    store = Path(place).parent.parent

    def files(column):
        places = [shard["files"][shard["columns"][column]]["path"] for shard in manifest["shards"]]
        return [store / path["store"] for path in places]

    return floats(files("reward"), "reward"), floats(files("turns.advantage"), "turns.advantage"), []


def main():
    source, *results = sys.argv[1:]
    inputs = sorted(Path(source).glob("*.parquet"))
    texts = {path: text_digest(inputs, path) for path in ["trajectory_id", "turns.observation", "turns.action"]}
    first = None
    for result in results:
        name, place = result.split("=", 1)
        rewards, values, files = of_manifest(place) if Path(place).is_file() else of_directory(place)
        first = first or (name, rewards, values)
        if not np.array_equal(first[1], rewards):
            sys.exit(f"error: the rewards of {name} are not those of {first[0]}")
        if len(first[2]) != len(values) or not np.allclose(first[2], values, rtol=0, atol=TOLERANCE):
            sys.exit(f"error: the advantages of {name} are not those of {first[0]}")
        held = [path for path in texts if files and leaves_of(pq.ParquetFile(files[0]), path)]
        for path in held:
            if text_digest(files, path) != texts[path]:
                sys.exit(f"error: {name} has another `{path}` than the input")
        print(f"the same results: {name}, {len(rewards):,} rewards, {len(values):,} advantages, {len(held)} texts")


main()
