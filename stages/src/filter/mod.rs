//! Keeps the trajectories that meet a condition.
