"""`python -m sternlight FOLDER`: what `plugin build` must know of FOLDER/plugin.py, as JSON.

Run before the component is built: a module that cannot be imported then fails in plain Python, with its own traceback.
"""

import importlib
import json
import sys

from . import config, registration


def main(folder: str) -> None:
    sys.path.insert(0, folder)
    spec = registration.the_plugin(importlib.import_module("plugin"))
    about = {
        "world": spec.kind,
        "app": f"sternlight.worlds.{spec.kind}",
        "name": spec.name,
        "version": spec.version,
        "summary": spec.summary,
        "needs": sorted(spec.needs),
        "config-schema": config.schema(spec.config),
    }
    print(json.dumps(about, indent=2))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m sternlight FOLDER")
    main(sys.argv[1])
