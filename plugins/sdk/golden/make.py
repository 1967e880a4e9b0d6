"""Writes the files beside this one. Needs pyarrow, which no test does."""

import json
from pathlib import Path

import pyarrow as pa
from sternlight import arrow

HERE = Path(__file__).parent
TURNS = [2, 0, 1, 3]
TEXTS = ["go north", "", None, "größer 日本 🌲"]

COLUMNS = {
    "trajectory_id": ("utf8", ["a", "b", "ç", "d"]),
    "prompt": ("utf8", TEXTS),
    "success": ("bool", [True, None, False, True]),
    "relabelled": ("bool", [False, True, True, False]),
    "reward": ("float32", [0.5, None, -1.25, 3.4028234663852886e38]),
    "score": ("float64", [0.1, 1e300, None, -0.0]),
    "seed": ("uint64", [2**64 - 1, 0, 2**53 + 1, None]),
    "debt": ("int64", [-(2**63), None, 2**63 - 1, -1]),
    "count": ("int32", [-(2**31), 2**31 - 1, 0, None]),
    "small": ("int8", [-128, 127, None, 0]),
    "port": ("uint16", [65535, 0, 80, None]),
    "marks": ("list<list<utf8>>", [[["x"], None, []], None, [], [["ü", None]]]),
    "turns.action": ("utf8", ["look", "öffne", "", "go", "🌲", "go"]),
    "turns.tool_error": ("bool", [None, True, False, None, True, None]),
    "turns.action_tokens": ("list<int32>", [[1, 2], [], None, [-(2**31)], [7], None]),
    "turns.action_logprobs": ("list<float32>", [[-0.5, None], None, [], [-1.5], [0.0], [-2.0]]),
}


def arrow_type(name: str) -> pa.DataType:
    within = arrow.types.element(name)
    return pa.list_(pa.field("element", arrow_type(within))) if within else pa.type_for_alias(name.replace("utf8", "string"))


def by_pyarrow() -> bytes:
    arrays = {path: pa.array(values, arrow_type(data_type)) for path, (data_type, values) in COLUMNS.items()}
    of_turns = {path.removeprefix("turns."): array for path, array in arrays.items() if path.startswith("turns.")}
    struct = pa.StructArray.from_arrays(list(of_turns.values()), names=list(of_turns))
    ends = [sum(TURNS[:row]) for row in range(len(TURNS) + 1)]
    columns = {path: array for path, array in arrays.items() if not path.startswith("turns.")}
    columns["turns"] = pa.ListArray.from_arrays(pa.array(ends, pa.int32()), struct)
    columns["nothing"] = pa.nulls(len(TURNS))
    batch = pa.RecordBatch.from_pydict(columns)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return sink.getvalue().to_pybytes()


def by_sdk() -> bytes:
    of_turns = {path.removeprefix("turns."): column for path, column in COLUMNS.items() if path.startswith("turns.")}
    columns = {path: column for path, column in COLUMNS.items() if not path.startswith("turns.")}
    return arrow.write(len(TURNS), columns, arrow.Turns(TURNS, of_turns))


def of_json(data_type: str, value: object) -> object:
    return str(value) if data_type in ("int64", "uint64") and value is not None else value


def main() -> None:
    (HERE / "by_pyarrow.arrow").write_bytes(by_pyarrow())
    (HERE / "by_sdk.arrow").write_bytes(by_sdk())
    tables = [pa.ipc.open_stream(HERE / f"{name}.arrow").read_all() for name in ("by_pyarrow", "by_sdk")]
    for table in tables:
        table.validate(full=True)
    first, second = (table.select([name for name in table.column_names if name != "nothing"]) for table in tables)
    assert first.to_pydict() == second.to_pydict()
    columns = {
        path: {"type": data_type, "values": [of_json(data_type, value) for value in values]}
        for path, (data_type, values) in COLUMNS.items()
    }
    lines = ",\n".join(f'    "{path}": {json.dumps(column, ensure_ascii=False)}' for path, column in columns.items())
    (HERE / "columns.json").write_text(f'{{\n  "turns": {TURNS},\n  "columns": {{\n{lines}\n  }}\n}}\n')


if __name__ == "__main__":
    main()
