//! Judges turns by what the environment said next.
