"""Reading and writing the one layout in which batches cross: an Arrow IPC stream with a schema and one record batch.

Our own, because a component can have no C extensions, and a library of a megabyte for one layout would cost time at each
start. The twin of the modules of the SDKs for Rust and JavaScript.
"""

from .read import Column, Invalid, Received, read
from .write import Turns, Values, write

__all__ = ["Column", "Invalid", "Received", "Turns", "Values", "read", "write"]
