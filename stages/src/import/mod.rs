//! Brings recorded trajectories in.
