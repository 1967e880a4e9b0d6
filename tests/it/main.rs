//! x

mod sample_data;
