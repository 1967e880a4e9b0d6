//! What wasmtime makes of the contract in `plugins/wit`. The worlds are bound together, so that the types that they share
//! are one; a plugin exports the interface of one world only.
#![allow(clippy::all, reason = "generated")]

wasmtime::component::bindgen!({
    path: "wit",
    inline: "
        package sternlight:every-world;
        world every-world {
            import sternlight:plugin/host@1.0.0;
            export sternlight:plugin/plugin@1.0.0;
            export sternlight:plugin/reward-stage@1.0.0;
            export sternlight:plugin/reflect-stage@1.0.0;
            export sternlight:plugin/relabel-stage@1.0.0;
            export sternlight:plugin/advantage-stage@1.0.0;
            export sternlight:plugin/batch-stage@1.0.0;
            export sternlight:plugin/environment-stage@1.0.0;
        }
    ",
    ownership: Borrowing { duplicate_if_necessary: true },
});
