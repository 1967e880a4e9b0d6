//! What safetensors files hold, by their headers alone: names, types and shapes. No weight is read.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use sternlight_engine::problem::Problem;
use sternlight_engine::regular_file;

/// Bytes of a header, as the format bounds it.
const LARGEST_HEADER: u64 = 100_000_000;

/// A tensor as a header tells of it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tensor {
    pub(super) dtype: String,
    pub(super) shape: Vec<u64>,
    data_offsets: (u64, u64),
}

impl Tensor {
    /// Numbers that it has; `None` if there are more than can be.
    pub(super) fn numbers(&self) -> Option<u64> {
        self.shape.iter().try_fold(1_u64, |product, size| product.checked_mul(*size))
    }

    /// Bits of a number of its type.
    fn bits(&self) -> Option<u64> {
        Some(match self.dtype.as_str() {
            "F64" | "I64" | "U64" | "C64" => 64,
            "F32" | "I32" | "U32" => 32,
            "F16" | "BF16" | "I16" | "U16" => 16,
            "F8_E4M3" | "F8_E5M2" | "F8_E8M0" | "I8" | "U8" | "BOOL" => 8,
            _ => return None,
        })
    }
}

/// The tensors of all files, by name, each with its file.
pub(super) fn tensors(files: &[PathBuf]) -> Result<BTreeMap<String, Tensor>, Problem> {
    let mut all: BTreeMap<String, Tensor> = BTreeMap::new();
    for path in files {
        for (name, tensor) in header(path)? {
            if all.insert(name.clone(), tensor).is_some() {
                let message = format!("`{}` has the tensor `{name}`, which another file has as well", path.display());
                return Err(Problem::at(["path"], message));
            }
        }
    }
    Ok(all)
}

/// The tensors of one file. The format: eight bytes with the length of the header, the header as JSON, and then the numbers
/// of all tensors, without gaps (<https://github.com/huggingface/safetensors>, "Format").
fn header(path: &Path) -> Result<BTreeMap<String, Tensor>, Problem> {
    let shown = path.display();
    let wrong = |message: String| Problem::at(["path"], format!("`{shown}` {message}"));
    let unreadable = |error: std::io::Error| {
        Problem::at(["path"], format!("cannot read `{shown}`: {error}"))
            .help("weights are read from `model.safetensors`, or from the files of `model.safetensors.index.json`")
    };
    let mut file: File = regular_file::open(path).map_err(unreadable)?;
    let length = file.metadata().map_err(unreadable)?.len();
    let mut eight = [0; 8];
    file.read_exact(&mut eight).map_err(|_| wrong(format!("has {length} bytes, too few for safetensors")))?;
    let header_bytes = u64::from_le_bytes(eight);
    if header_bytes > LARGEST_HEADER || header_bytes + 8 > length {
        return Err(wrong(format!(
            "begins with a header of {header_bytes} bytes, of {length} in all: it is no safetensors file, or cut short"
        )));
    }
    let mut text = Vec::new();
    file.take(header_bytes).read_to_end(&mut text).map_err(unreadable)?;
    let mut entries: BTreeMap<String, serde_json::Value> =
        serde_json::from_slice(&text).map_err(|error| wrong(format!("has a header that is not JSON: {error}")))?;
    entries.remove("__metadata__");
    let mut tensors = BTreeMap::new();
    for (name, value) in entries {
        let tensor: Tensor = serde_json::from_value(value)
            .map_err(|error| wrong(format!("has a header that does not say what the tensor `{name}` is: {error}")))?;
        tensors.insert(name, tensor);
    }
    check_places(&tensors, length - 8 - header_bytes).map_err(wrong)?;
    Ok(tensors)
}

/// Whether the tensors lie one behind the other, each as long as its shape says, and fill the rest of the file.
fn check_places(tensors: &BTreeMap<String, Tensor>, bytes: u64) -> Result<(), String> {
    let mut order: Vec<(&String, &Tensor)> = tensors.iter().collect();
    order.sort_by_key(|(_, tensor)| tensor.data_offsets);
    let mut end = 0;
    for (name, tensor) in order {
        let (from, to) = tensor.data_offsets;
        let bits =
            tensor.bits().ok_or_else(|| format!("has the tensor `{name}` of the unknown type {}", tensor.dtype))?;
        let expected = tensor.numbers().and_then(|numbers| numbers.checked_mul(bits / 8));
        if from != end || Some(to.saturating_sub(from)) != expected {
            return Err(format!(
                "has the tensor `{name}` {:?} of {} at bytes {from} to {to}, which do not fit",
                tensor.shape, tensor.dtype
            ));
        }
        end = to;
    }
    match end == bytes {
        true => Ok(()),
        false => Err(format!(
            "holds {bytes} bytes of numbers where its header tells of {end}: it was cut short, or is damaged"
        )),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A safetensors file of zeros.
    pub(in super::super) fn write(path: &Path, tensors: &[(&str, &[u64])]) {
        let (mut entries, mut end) = (serde_json::Map::new(), 0);
        for (name, shape) in tensors {
            let bytes = 4 * shape.iter().product::<u64>();
            let entry = serde_json::json!({"dtype": "F32", "shape": shape, "data_offsets": [end, end + bytes]});
            entries.insert((*name).to_owned(), entry);
            end += bytes;
        }
        let header = serde_json::to_vec(&entries).unwrap();
        let mut file = (header.len() as u64).to_le_bytes().to_vec();
        file.extend(header);
        file.extend(vec![0; end as usize]);
        std::fs::write(path, file).unwrap();
    }

    #[test]
    fn a_header_tells_of_all_tensors_and_damage_is_told() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("model.safetensors");
        write(&path, &[("a", &[2, 3]), ("b", &[4])]);
        let found = tensors(std::slice::from_ref(&path)).unwrap();
        assert_eq!(found.values().filter_map(Tensor::numbers).collect::<Vec<_>>(), [6, 4]);
        let whole = std::fs::read(&path).unwrap();
        let said = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            tensors(std::slice::from_ref(&path)).unwrap_err().message
        };
        assert!(said(&whole[..whole.len() - 1]).contains("cut short"));
        assert!(said(&whole[..20]).contains("cut short"));
        assert!(said(&whole[..5]).contains("too few"));
        assert!(said(&[&whole[..], &[0]].concat()).contains("or is damaged"));
        let text = String::from_utf8_lossy(&whole).replace("[2,3]", "[2,4]");
        assert!(said(text.as_bytes()).contains("which do not fit"));
        let text = String::from_utf8_lossy(&whole).replacen("F32", "X32", 1);
        assert!(said(text.as_bytes()).contains("unknown type X32"));
        std::fs::write(&path, &whole).unwrap();
        let twice = tensors(&[path.clone(), path.clone()]).unwrap_err().message;
        assert!(twice.contains("which another file has as well"), "{twice}");
    }
}
