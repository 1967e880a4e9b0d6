//! What an error of the operating system means for a run: whether trying again may help, and whether the disk is full.

use std::error::Error;
use std::io::{self, ErrorKind};

/// EIO, ENFILE and EMFILE, for which the standard library has no kind: the same numbers on every Unix.
const PASSING_NUMBERS: [i32; 3] = [5, 23, 24];

/// EMFILE.
const TOO_MANY_OPEN: i32 = 24;

/// Whether the same may work a little later: the network, a busy disk, too many open files.
pub(crate) fn may_pass(error: &io::Error) -> bool {
    use ErrorKind::{
        BrokenPipe, ConnectionAborted, ConnectionRefused, ConnectionReset, HostUnreachable, Interrupted, NetworkDown,
        NetworkUnreachable, NotConnected, ResourceBusy, StaleNetworkFileHandle, TimedOut, WouldBlock,
    };
    let passes = matches!(
        error.kind(),
        BrokenPipe
            | ConnectionAborted
            | ConnectionRefused
            | ConnectionReset
            | HostUnreachable
            | Interrupted
            | NetworkDown
            | NetworkUnreachable
            | NotConnected
            | ResourceBusy
            | StaleNetworkFileHandle
            | TimedOut
            | WouldBlock
    );
    passes || (cfg!(unix) && error.raw_os_error().is_some_and(|number| PASSING_NUMBERS.contains(&number)))
}

/// Whether there is no room for what was written.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
}

/// The reason in our words, where nobody should have to know the system's: a full disk, and the limits of a process.
pub(crate) fn own_reason(error: &io::Error) -> Option<&'static str> {
    match error.kind() {
        ErrorKind::StorageFull => Some("the disk is full"),
        ErrorKind::QuotaExceeded => Some("the disk quota is used up"),
        ErrorKind::FileTooLarge => Some("the file is larger than this process may write (`ulimit -f`)"),
        _ if cfg!(unix) && error.raw_os_error() == Some(TOO_MANY_OPEN) => {
            Some("this process has as many files open as it may (`ulimit -n`)")
        }
        _ => None,
    }
}

/// The reason in words: ours, or the system's.
pub fn reason(error: &io::Error) -> String {
    own_reason(error).map_or_else(|| error.to_string(), str::to_owned)
}

/// The error of the operating system that another one was made of: Parquet and decompressors wrap it.
pub(crate) fn system_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a io::Error> {
    let mut next = Some(error);
    let mut found = None;
    while let Some(error) = next {
        found = error.downcast_ref::<io::Error>().or(found);
        next = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inside) => Some(inside),
            None => error.source(),
        };
    }
    found
}

/// What to do about a full disk.
pub(crate) const MAKE_ROOM: &str =
    "free some space, then run the same command again: it goes on from what was committed";

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Write as _;

    use parquet::errors::ParquetError;

    use super::*;

    #[test]
    fn a_full_disk_is_known_however_it_is_wrapped() {
        let full = File::options().write(true).open("/dev/full").unwrap().write_all(b"x").unwrap_err();
        assert!(is_full(&full) && !may_pass(&full));
        assert_eq!(reason(&full), "the disk is full");
        assert_eq!(
            reason(&ErrorKind::FileTooLarge.into()),
            "the file is larger than this process may write (`ulimit -f`)"
        );
        let open = io::Error::from_raw_os_error(TOO_MANY_OPEN);
        assert_eq!(reason(&open), "this process has as many files open as it may (`ulimit -n`)");
        let wrapped = io::Error::other(ParquetError::from(full));
        assert!(system_error(&wrapped).is_some_and(is_full));
        assert!(system_error(&ParquetError::General("no file at all".to_owned())).is_none());
    }

    #[test]
    fn some_errors_may_pass_and_others_do_not() {
        for passing in [ErrorKind::TimedOut, ErrorKind::StaleNetworkFileHandle, ErrorKind::ConnectionReset] {
            assert!(may_pass(&passing.into()), "{passing}");
        }
        assert!(may_pass(&io::Error::from_raw_os_error(5)) && may_pass(&io::Error::from_raw_os_error(24)));
        for lasting in [ErrorKind::NotFound, ErrorKind::PermissionDenied, ErrorKind::InvalidData] {
            assert!(!may_pass(&lasting.into()), "{lasting}");
        }
    }
}
