//! Warnings that are restated as more batches of one part of the work come in, so that they are said once and do
//! not depend on how the part was cut into batches.

use sternlight_engine::stage::Context;

/// Lets the warning stand if it holds for all that the context has counted so far, and takes it back if not.
pub(super) fn restate(context: &mut Context, warning: &str, holds: bool) {
    context.warnings.retain(|said| said != warning);
    if holds {
        context.warnings.push(warning.to_owned());
    }
}
