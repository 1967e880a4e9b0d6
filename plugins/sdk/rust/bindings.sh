#!/usr/bin/env bash
# Writes src/bindings anew from the contract in plugins/wit, or says with --check what is stale there. Needs cargo and, the
# first time, a minute. BINDINGS_TARGET_DIR keeps what it compiles.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
wit="$(cd ../../wit && pwd)"
scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT
target="${BINDINGS_TARGET_DIR:-$scratch/target}"
mkdir -p "$scratch/src" "$scratch/bindings"
cat > "$scratch/Cargo.toml" << EOF
[package]
name = "bindings"
edition = "2024"
[dependencies]
wit-bindgen = { version = "=0.61.1", default-features = false, features = ["macros", "realloc"] }
[workspace]
EOF
for world in batch environment relabel; do
    echo "wit_bindgen::generate!({ path: \"$wit\", world: \"$world\", generate_all, pub_export_macro: true });" > "$scratch/src/lib.rs"
    WIT_BINDGEN_DEBUG=1 CARGO_TARGET_DIR="$target" cargo check --quiet --manifest-path "$scratch/Cargo.toml"
    # The worlds share the interface `plugin`, and macros of a crate share one name space.
    made="$(find "$target" -path '*/out/*.rs' -newer "$scratch/src/lib.rs" -name "${world}*.rs" | head -1)"
    sed "s/__export_sternlight_plugin_plugin_1_0_0_cabi/__export_plugin_of_${world}_cabi/g" "$made" > "$scratch/bindings/$world.rs"
done
rustfmt --edition 2024 --config-path ../../../rustfmt.toml "$scratch"/bindings/*.rs
if [[ "${1:-}" == --check ]]; then
    for made in "$scratch"/bindings/*.rs; do
        diff "src/bindings/$(basename "$made")" "$made" > /dev/null || {
            echo "error: plugins/sdk/rust/src/bindings/$(basename "$made") is stale: run plugins/sdk/rust/bindings.sh" >&2
            exit 1
        }
    done
else
    cp "$scratch"/bindings/*.rs src/bindings/
fi
