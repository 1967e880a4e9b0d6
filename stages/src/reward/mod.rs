//! Scores trajectories.
