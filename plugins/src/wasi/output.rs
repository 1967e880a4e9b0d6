//! What a plugin writes to standard output and standard error, and what the host has to say about what it tried: lines of
//! its log, at the end of the call.

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use wasmtime_wasi::async_trait;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

use crate::bindings::sternlight::plugin::host::Level;

/// Bytes of a call that are kept. Of more, the last are.
const BYTES: usize = 64 << 10;

/// What was said during a call; shared with the streams of the guest.
#[derive(Clone, Default)]
pub(super) struct Said(Arc<Mutex<Texts>>);

#[derive(Default)]
struct Texts {
    output: Vec<u8>,
    errors: Vec<u8>,
    /// Of the host.
    notes: Vec<String>,
}

/// One of the two streams of a guest.
#[derive(Clone)]
pub(super) struct Stream {
    said: Said,
    is_error: bool,
}

impl Said {
    pub(super) fn output(&self) -> Stream {
        Stream { said: self.clone(), is_error: false }
    }

    pub(super) fn errors(&self) -> Stream {
        Stream { said: self.clone(), is_error: true }
    }

    /// Notes what a plugin tried in vain.
    pub(super) fn note(&self, text: String) {
        let notes = &mut self.texts().notes;
        if !notes.contains(&text) && notes.len() < 16 {
            notes.push(text);
        }
    }

    /// What was noted so far.
    pub(super) fn notes(&self) -> Vec<String> {
        self.texts().notes.clone()
    }

    fn texts(&self) -> MutexGuard<'_, Texts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The lines, which are then forgotten. Standard error counts as such: there languages tell why they give up.
    pub(super) fn take(&self) -> Vec<(Level, String)> {
        let Texts { output, errors, notes } = mem::take(&mut *self.texts());
        let notes = notes.into_iter().map(|note| (Level::Warn, note));
        let lines = |bytes: Vec<u8>, level: Level| {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            text.lines().filter(|line| !line.trim().is_empty()).map(|line| (level, line.to_owned())).collect::<Vec<_>>()
        };
        // A text of several lines on standard error is one message: of a panic, say.
        let error = String::from_utf8_lossy(&errors).trim().to_owned();
        let error = (!error.is_empty()).then_some((Level::Error, error));
        notes.chain(lines(output, Level::Info)).chain(error).collect()
    }
}

#[async_trait]
impl Pollable for Stream {
    async fn ready(&mut self) {}
}

impl OutputStream for Stream {
    fn write(&mut self, bytes: bytes::Bytes) -> StreamResult<()> {
        let mut texts = self.said.texts();
        let kept = if self.is_error { &mut texts.errors } else { &mut texts.output };
        let last = &bytes[bytes.len().saturating_sub(BYTES)..];
        // What is dropped goes first: a guest may write more at once than is kept.
        kept.drain(..(kept.len() + last.len()).saturating_sub(BYTES));
        kept.extend_from_slice(last);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(BYTES)
    }
}

impl IsTerminal for Stream {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Stream {
    fn async_stream(&self) -> Box<dyn tokio::io::AsyncWrite + Send + Sync> {
        // Interfaces of WASI 0.2 ask for the other kind.
        Box::new(tokio::io::empty())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_too_much_the_last_is_kept() {
        let said = Said::default();
        said.output().write(vec![b'x'; BYTES].into()).unwrap();
        said.output().write("\nlast\n".into()).unwrap();
        said.errors().write("panicked\nat 1\n".into()).unwrap();
        said.note("tried".to_owned());
        let lines: Vec<_> = said.take().into_iter().map(|(level, line)| (level, line.len(), line)).collect();
        let brief: Vec<_> = lines.iter().map(|(level, length, _)| (*level, *length)).collect();
        assert_eq!(brief, [(Level::Warn, 5), (Level::Info, BYTES - 6), (Level::Info, 4), (Level::Error, 13)]);
        assert!(said.take().is_empty());
    }

    #[test]
    fn nothing_beyond_is_held_meanwhile() {
        let said = Said::default();
        for write in [1, 10 * BYTES, BYTES / 2, BYTES] {
            said.output().write(vec![b'x'; write].into()).unwrap();
            assert!(said.texts().output.len() <= BYTES);
            assert!(said.texts().output.capacity() <= 2 * BYTES, "{}", said.texts().output.capacity());
        }
    }
}
