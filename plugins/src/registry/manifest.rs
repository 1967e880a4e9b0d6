//! The manifest of what lies in a registry: which of its layers is the plugin.

use serde::Deserialize;

use super::reference::is_digest;
use crate::text::printable_name;

/// The kinds of layers that are WebAssembly: of the CNCF's artifact, and of `wasm-to-oci` before it.
const WASM: [&str; 2] = ["application/wasm", "application/vnd.wasm.content.layer.v1+wasm"];

/// The kinds of manifests that are asked for.
pub(super) const ACCEPTED: &str = "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json, \
     application/vnd.oci.image.index.v1+json";

/// A piece of what is stored.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Layer {
    media_type: String,
    /// `sha256:` and 64 digits.
    pub(super) digest: String,
    /// In bytes.
    pub(super) size: u64,
}

#[derive(Debug, Deserialize)]
struct Manifest {
    #[serde(default)]
    layers: Vec<Layer>,
    /// Of an index.
    #[serde(default)]
    manifests: Vec<serde_json::Value>,
}

/// The layer that is the plugin.
///
/// # Errors
/// If there is none, or more than one.
pub(super) fn plugin(manifest: &[u8]) -> Result<Layer, String> {
    let manifest: Manifest =
        serde_json::from_slice(manifest).map_err(|error| format!("its manifest cannot be read: {error}"))?;
    if !manifest.manifests.is_empty() {
        let count = manifest.manifests.len();
        return Err(format!("it is an index of {count} artifacts; name the one that is meant by its digest"));
    }
    let (mut plugins, others): (Vec<Layer>, Vec<Layer>) =
        manifest.layers.into_iter().partition(|layer| WASM.contains(&layer.media_type.as_str()));
    match (plugins.pop(), plugins.len()) {
        (Some(layer), 0) if is_digest(&layer.digest) => Ok(layer),
        (Some(layer), 0) => {
            Err(format!("the digest of its layer is `{}`, expected SHA-256", printable_name(&layer.digest)))
        }
        (Some(_), more) => Err(format!("it has {} layers of WebAssembly, expected one", more + 1)),
        (None, _) => {
            let found: Vec<String> =
                others.iter().map(|layer| format!("`{}`", printable_name(&layer.media_type))).collect();
            let found = if found.is_empty() { "no layer".to_owned() } else { found.join(", ") };
            Err(format!("it is no plugin: expected a layer of the type `{}`, found {found}", WASM[0]))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layers(types: &[&str]) -> Result<u64, String> {
        let digest = format!("sha256:{}", "0f".repeat(32));
        let layer =
            |(index, name): (usize, &&str)| serde_json::json!({"mediaType": name, "digest": digest, "size": index});
        let layers: Vec<_> = types.iter().enumerate().map(layer).collect();
        plugin(serde_json::json!({"layers": layers}).to_string().as_bytes()).map(|layer| layer.size)
    }

    #[test]
    fn one_layer_is_the_plugin() {
        assert_eq!(layers(&["text/plain", "application/wasm"]), Ok(1));
        assert_eq!(layers(&["application/vnd.wasm.content.layer.v1+wasm"]), Ok(0));
        insta::assert_snapshot!(layers(&["application/wasm", "application/wasm"]).unwrap_err(), @"it has 2 layers of WebAssembly, expected one");
        insta::assert_snapshot!(layers(&["application/vnd.oci.image.layer.v1.tar+gzip"]).unwrap_err(), @"it is no plugin: expected a layer of the type `application/wasm`, found `application/vnd.oci.image.layer.v1.tar+gzip`");
        insta::assert_snapshot!(layers(&[]).unwrap_err(), @"it is no plugin: expected a layer of the type `application/wasm`, found no layer");
        insta::assert_snapshot!(plugin(br#"{"manifests": [{}, {}]}"#).unwrap_err(), @"it is an index of 2 artifacts; name the one that is meant by its digest");
    }
}
