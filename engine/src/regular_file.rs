//! Files that people name, opened only if they are files: a pipe or a device in the place of one would keep whoever reads it
//! waiting, or never end. And read as a whole only up to a size. Not concerned with what a file holds.

use std::fs::{self, File, FileType};
use std::io::{self, ErrorKind, Read as _};
use std::path::Path;

/// Opens a file to read it; links to files are followed.
///
/// # Errors
/// If it cannot be opened, or is something else than a file: what.
pub fn open(path: &Path) -> io::Result<File> {
    // Opening a pipe would wait for whoever writes into it.
    check(path)?;
    let file = File::open(path)?;
    // Somebody may have put something else there meanwhile.
    check_type(file.metadata()?.file_type())?;
    Ok(file)
}

/// Looks whether something can be opened as a file, without opening it; links to files are followed.
///
/// # Errors
/// If it is not there, or is something else than a file: what.
pub fn check(path: &Path) -> io::Result<()> {
    check_type(fs::metadata(path)?.file_type())
}

/// The same of a file that need not be there yet.
///
/// # Errors
/// If it cannot be looked at, or is something else than a file: what.
pub fn check_if_there(path: &Path) -> io::Result<()> {
    match check(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        checked => checked,
    }
}

/// Reads all of a file of so many bytes at most.
///
/// # Errors
/// If it cannot be read, is something else than a file, or has more bytes.
pub fn read(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let file = open(path)?;
    let length = file.metadata()?.len();
    let mut bytes = Vec::new();
    if length <= limit {
        bytes.reserve_exact(usize::try_from(length).unwrap_or_default());
        // It may grow meanwhile.
        file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    }
    match length.max(bytes.len() as u64) {
        length if length > limit => {
            let message = format!("it has {length} bytes, expected {limit} at most");
            Err(io::Error::new(ErrorKind::InvalidData, message))
        }
        _ => Ok(bytes),
    }
}

/// Reads all of a text of so many bytes at most.
///
/// # Errors
/// Those of [`read`], or if it is not UTF-8.
pub fn read_text(path: &Path, limit: u64) -> io::Result<String> {
    String::from_utf8(read(path, limit)?).map_err(|_| io::Error::new(ErrorKind::InvalidData, "it is not UTF-8"))
}

fn check_type(file_type: FileType) -> io::Result<()> {
    match file_type.is_file() {
        true => Ok(()),
        false => {
            let message = format!("it is {}, expected a regular file", kind(file_type));
            Err(io::Error::new(ErrorKind::InvalidInput, message))
        }
    }
}

/// What something is that is no file, in words.
fn kind(file_type: FileType) -> &'static str {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt as _;

        let special = [
            (file_type.is_fifo(), "a pipe"),
            (file_type.is_socket(), "a socket"),
            (file_type.is_char_device() || file_type.is_block_device(), "a device"),
        ];
        if let Some((_, kind)) = special.into_iter().find(|(is_it, _)| *is_it) {
            return kind;
        }
    }
    if file_type.is_dir() { "a directory" } else { "nothing that can be read" }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;
    use std::process::Command;

    use super::*;

    #[test]
    fn only_files_are_opened() {
        let place = tempfile::tempdir().unwrap();
        let at = |name: &str| place.path().join(name);
        fs::write(at("file"), "text").unwrap();
        symlink(at("file"), at("link")).unwrap();
        for fine in ["file", "link"] {
            assert_eq!(read(&at(fine), 4).unwrap(), b"text");
        }
        assert!(Command::new("mkfifo").arg(at("pipe")).status().unwrap().success());
        symlink(at("pipe"), at("link to a pipe")).unwrap();
        let _socket = UnixListener::bind(at("socket")).unwrap();
        let said = |path: &Path| open(path).unwrap_err().to_string();
        for (name, kind) in
            [("pipe", "a pipe"), ("link to a pipe", "a pipe"), ("socket", "a socket"), (".", "a directory")]
        {
            assert_eq!(said(&at(name)), format!("it is {kind}, expected a regular file"));
        }
        assert_eq!(said(Path::new("/dev/zero")), "it is a device, expected a regular file");
        assert_eq!(open(&at("nowhere")).unwrap_err().kind(), ErrorKind::NotFound);
    }

    #[test]
    fn large_files_are_not_read() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("file");
        File::create(&path).unwrap().set_len(1 << 40).unwrap();
        let error = read(&path, 1 << 20).unwrap_err();
        assert_eq!(error.to_string(), "it has 1099511627776 bytes, expected 1048576 at most");
    }
}
