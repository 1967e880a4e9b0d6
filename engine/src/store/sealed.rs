//! Small files that tell by themselves whether they are as they were written: JSON, and beside it its digest.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sealed {
    /// Of the text of `content`, in hexadecimal.
    blake3: String,
    content: Box<RawValue>,
}

/// The text of a sealed file.
pub(super) fn seal(value: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    let text = serde_json::to_string_pretty(value)?;
    let blake3 = blake3::hash(text.as_bytes()).to_hex().to_string();
    Sealed { blake3, content: RawValue::from_string(text)? }.text()
}

/// Why a sealed file cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum SealError {
    /// It is not as it was written.
    #[error("{0}")]
    Broken(String),
    /// It is as it was written, by a program that says it otherwise.
    #[error("it has a form that this version does not know: {0}")]
    UnknownForm(String),
}

/// What was sealed. No byte of the text may differ from what was written.
pub(super) fn unseal<T: DeserializeOwned>(text: &[u8]) -> Result<T, SealError> {
    let broken = |error: serde_json::Error| SealError::Broken(error.to_string());
    let sealed: Sealed = serde_json::from_slice(text).map_err(broken)?;
    let content = sealed.content.get();
    let is_whole = blake3::hash(content.as_bytes()).to_hex().as_str() == sealed.blake3;
    if !is_whole || sealed.text().map_err(broken)? != text {
        return Err(SealError::Broken("it is not as it was written".to_owned()));
    }
    serde_json::from_str(content).map_err(|error| SealError::UnknownForm(error.to_string()))
}

impl Sealed {
    fn text(&self) -> serde_json::Result<Vec<u8>> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sealed_comes_back_and_no_flipped_bit_goes_unseen() {
        let value = vec![("reward".to_owned(), 0.1), ("é".to_owned(), -2.5e-8)];
        let sealed = seal(&value).unwrap();
        assert_eq!(unseal::<Vec<(String, f64)>>(&sealed).unwrap(), value);
        assert!(matches!(unseal::<Vec<String>>(&sealed), Err(SealError::UnknownForm(_))));
        for at in 0..sealed.len() {
            for bit in 0..8 {
                let mut damaged = sealed.clone();
                damaged[at] ^= 1 << bit;
                let found = unseal::<Vec<(String, f64)>>(&damaged);
                assert!(matches!(found, Err(SealError::Broken(_))), "byte {at}, bit {bit}: {found:?}");
            }
        }
        for length in 0..sealed.len() - 1 {
            assert!(unseal::<Vec<(String, f64)>>(&sealed[..length]).is_err(), "{length} bytes");
        }
    }
}
