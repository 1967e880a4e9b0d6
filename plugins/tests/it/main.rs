//! The host as the engine sees it: plugins in, columns and errors out.

mod columns;
mod guest;
mod hostile;
