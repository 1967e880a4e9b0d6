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

/// What was sealed; why not, if it cannot be told. No byte of the text may differ from what was written.
pub(super) fn unseal<T: DeserializeOwned>(text: &[u8]) -> Result<T, String> {
    let sealed: Sealed = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    let is_whole = blake3::hash(sealed.content.get().as_bytes()).to_hex().as_str() == sealed.blake3;
    if !is_whole || sealed.text().map_err(|error| error.to_string())? != text {
        return Err("it is not as it was written".to_owned());
    }
    serde_json::from_str(sealed.content.get()).map_err(|error| error.to_string())
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
        for at in 0..sealed.len() {
            for bit in 0..8 {
                let mut damaged = sealed.clone();
                damaged[at] ^= 1 << bit;
                let found = unseal::<Vec<(String, f64)>>(&damaged);
                assert!(found.is_err(), "byte {at}, bit {bit}: {found:?}");
            }
        }
        for length in 0..sealed.len() - 1 {
            assert!(unseal::<Vec<(String, f64)>>(&sealed[..length]).is_err(), "{length} bytes");
        }
    }
}
