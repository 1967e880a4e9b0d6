#!/usr/bin/env bash
# Writes src/bindings anew from the contract in plugins/wit. Needs cargo and, the first time, a minute.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
wit="$(cd ../../wit && pwd)"
scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT
for world in "${@:-batch}"; do
    mkdir -p "$scratch/src"
    cat > "$scratch/Cargo.toml" << EOF
[package]
name = "bindings"
edition = "2024"
[dependencies]
wit-bindgen = { version = "=0.61.1", default-features = false, features = ["macros", "realloc"] }
[workspace]
EOF
    echo "wit_bindgen::generate!({ path: \"$wit\", world: \"$world\", generate_all, pub_export_macro: true });" > "$scratch/src/lib.rs"
    WIT_BINDGEN_DEBUG=1 CARGO_TARGET_DIR="$scratch/target" cargo check --quiet --manifest-path "$scratch/Cargo.toml"
    # The worlds share the interface `plugin`, and macros of a crate share one name space.
    sed "s/__export_sternlight_plugin_plugin_1_0_0_cabi/__export_plugin_of_${world}_cabi/g" \
        "$(find "$scratch/target" -path '*/out/*.rs' -newer "$scratch/src/lib.rs" -name "${world}*.rs" | head -1)" \
        > "src/bindings/$world.rs"
done
cargo fmt
