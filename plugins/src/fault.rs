//! Why a call into a plugin came to nothing, in words: from a trap, an exhausted limit, or a result that cannot be
//! believed, with the text of a panic and the guest's own stack where they are known.

use std::fmt;
use std::time::Duration;

use wasmtime::component::ResourceTableError;
use wasmtime::{Trap, WasmBacktrace};

use crate::bindings::sternlight::plugin::host::Level;
use crate::grants::Kind;
use crate::limits::{OPEN, readable_time};
use crate::state::{MemoryLimit, State};
use crate::text::printable;

/// Functions of the guest that are shown.
const FRAMES: usize = 8;

/// Functions below which a guest's own code does not lie: how its language reports a panic.
const MACHINERY: [&str; 7] = [
    "core::panicking",
    "core::result::unwrap_failed",
    "core::option::unwrap_failed",
    "core::option::expect_failed",
    "std::panicking",
    "rust_panic",
    "__rust",
];

/// Why a call came to nothing. The instance is of no use afterwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) kind: FaultKind,
    /// What it said last before it trapped: a panic's text.
    said: Option<String>,
    /// What it tried in vain before.
    tried: Vec<String>,
    /// The guest's functions, innermost first.
    frames: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FaultKind {
    /// It did not come back in time.
    Time(Duration),
    /// It asked for more memory than it may have.
    Memory(MemoryLimit),
    /// It is made of more memories, tables or instances than a plugin may be: of which, and how many.
    Parts(String),
    /// It opened too much and closed too little.
    Open,
    /// It called itself too deeply.
    Stack,
    /// It wanted something of the world outside: the interface, and the function.
    NotGranted(String, String),
    /// It ended itself as a program does, with this status.
    #[cfg(feature = "wasi")]
    Exit(i32),
    /// It gave up by itself.
    Trap(String),
    /// It said itself that it cannot.
    Refused(String),
    /// What it returned cannot be read, or says more or less than was asked for.
    Result(String),
}

impl FaultKind {
    /// Whether it gave up, and may have said why.
    fn is_by_itself(&self) -> bool {
        match self {
            Self::Trap(_) => true,
            #[cfg(feature = "wasi")]
            Self::Exit(_) => true,
            _ => false,
        }
    }
}

/// A function of the world outside that a plugin called and was not granted.
#[derive(Clone, Debug)]
pub(crate) struct NotGranted {
    /// As the plugin imports it.
    pub(crate) interface: String,
    pub(crate) function: String,
}

impl fmt::Display for NotGranted {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "`{}#{}` is not granted", self.interface, self.function)
    }
}

impl std::error::Error for NotGranted {}

impl Fault {
    /// A result that cannot be believed.
    pub(crate) fn result(message: impl Into<String>) -> Self {
        Self { kind: FaultKind::Result(message.into()), said: None, tried: Vec::new(), frames: Vec::new() }
    }

    /// The plugin's own words why it cannot do what it was asked for.
    pub(crate) fn refused(reason: String) -> Self {
        Self { kind: FaultKind::Refused(reason), said: None, tried: Vec::new(), frames: Vec::new() }
    }

    /// Whether a certain row may be to blame, rather than the plugin whatever it gets.
    pub(crate) fn is_of_one_row(&self) -> bool {
        !matches!(self.kind, FaultKind::Result(_))
    }

    /// Of an error that a call ended with.
    pub(crate) fn of(error: &wasmtime::Error, call_time: Duration, state: &State) -> Self {
        let text = format!("{error:#}");
        let kind = if let Some(limit) = error.downcast_ref::<MemoryLimit>() {
            FaultKind::Memory(*limit)
        } else if let Some(NotGranted { interface, function }) = error.downcast_ref::<NotGranted>() {
            FaultKind::NotGranted(interface.clone(), function.clone())
        } else if let Some((interface, function)) = not_granted(&text) {
            FaultKind::NotGranted(interface.to_owned(), function.to_owned())
        } else if let Some((_, parts)) = text.split_once("resource limit exceeded: ") {
            FaultKind::Parts(parts.to_owned())
        } else if matches!(error.downcast_ref(), Some(ResourceTableError::Full)) {
            FaultKind::Open
        } else if let Some(exit) = exit(error) {
            exit
        } else {
            match error.downcast_ref::<Trap>() {
                Some(Trap::Interrupt) => FaultKind::Time(call_time),
                Some(Trap::StackOverflow) => FaultKind::Stack,
                Some(trap) => FaultKind::Trap(trap_text(*trap)),
                None => FaultKind::Result(reason(error)),
            }
        };
        let last = state.lines.iter().rfind(|(level, _)| *level == Level::Error).filter(|_| kind.is_by_itself());
        let frames = match error.downcast_ref::<WasmBacktrace>() {
            Some(backtrace) => frames(backtrace.frames().iter().filter_map(|frame| frame.func_name())),
            None => Vec::new(),
        };
        Self { kind, said: last.map(|(_, line)| line.clone()), tried: state.tried.clone(), frames }
    }

    /// What to do about it.
    pub(crate) fn help(&self) -> Option<String> {
        match &self.kind {
            FaultKind::Time(_) => Some("mend the plugin, or raise `limits: {call_time}` of the stage".to_owned()),
            FaultKind::Memory(_) => Some("mend the plugin, or raise `limits: {memory}` of the stage".to_owned()),
            FaultKind::NotGranted(interface, _) => Some(match Kind::of(interface) {
                Some(kind) => format!("if it may have that, write `{}` into the stage", kind.how()),
                None => "plugins cannot be granted that".to_owned(),
            }),
            FaultKind::Open => {
                Some("let it close what it has read and written, and drop its connections and streams".to_owned())
            }
            _ => None,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            FaultKind::Time(limit) => {
                write!(formatter, "a call took longer than its limit of {}", readable_time(*limit))?;
            }
            FaultKind::Memory(limit) => write!(formatter, "{limit}")?,
            FaultKind::Parts(parts) => write!(formatter, "it is made of too many parts: {parts}")?,
            FaultKind::Open => {
                write!(formatter, "it wants to have more than {OPEN} files, connections and streams open at a time")?;
            }
            FaultKind::Stack => formatter.write_str("it ran out of stack: its functions call each other too deeply")?,
            FaultKind::NotGranted(interface, function) => {
                let what = what_is(interface);
                write!(formatter, "it asked for {what} (`{interface}#{function}`), which is not granted")?;
            }
            #[cfg(feature = "wasi")]
            FaultKind::Exit(status) => {
                write!(formatter, "it ended itself with status {status}")?;
                if let Some(said) = &self.said {
                    write!(formatter, ": {said}")?;
                }
            }
            FaultKind::Trap(text) => match &self.said {
                Some(said) => formatter.write_str(said)?,
                None => write!(formatter, "it trapped: {text}")?,
            },
            FaultKind::Refused(text) | FaultKind::Result(text) => formatter.write_str(text)?,
        }
        formatter.write_str(&tried_text(&self.tried))?;
        for frame in &self.frames {
            write!(formatter, "\n    in {frame}")?;
        }
        Ok(())
    }
}

/// What a plugin tried in vain before it failed, below the text of that: it may be why.
pub(crate) fn tried_text(tried: &[String]) -> String {
    tried.iter().map(|what| format!("\n    before that, {what}")).collect()
}

#[cfg(feature = "wasi")]
fn exit(error: &wasmtime::Error) -> Option<FaultKind> {
    error.downcast_ref().map(|wasmtime_wasi::I32Exit(status)| FaultKind::Exit(*status))
}

#[cfg(not(feature = "wasi"))]
fn exit(_: &wasmtime::Error) -> Option<FaultKind> {
    None
}

/// The interface and function that a component asked for and nobody gave.
fn not_granted(text: &str) -> Option<(&str, &str)> {
    let (_, rest) = text.split_once("unknown import: `")?;
    let (name, _) = rest.split_once("` has not been defined")?;
    name.split_once('#')
}

fn what_is(interface: &str) -> &'static str {
    match interface.split('@').next().unwrap_or_default() {
        "wasi:cli/environment" => "environment variables",
        name if name.starts_with("wasi:filesystem/") => "files",
        name if name.starts_with("wasi:sockets/") || name.starts_with("wasi:http/") => "the network",
        name if name.starts_with("wasi:clocks/") => "the clock",
        name if name.starts_with("wasi:random/") => "random numbers",
        name if name.starts_with("wasi:cli/std") || name.starts_with("wasi:io/") => "standard input or output",
        _ => "something of its host",
    }
}

fn trap_text(trap: Trap) -> String {
    match trap {
        Trap::UnreachableCodeReached => "it reached code that it takes for unreachable, as after a panic".to_owned(),
        Trap::MemoryOutOfBounds => "it reached out of its memory, which may also be how it ran out of stack".to_owned(),
        other => other.to_string(),
    }
}

/// Without the list of functions, which is shown apart.
fn reason(error: &wasmtime::Error) -> String {
    let causes = error.chain().map(ToString::to_string).filter(|cause| !cause.starts_with("error while executing"));
    format!("its result cannot be read: {}", causes.collect::<Vec<_>>().join(": "))
}

/// Readable names, without the machinery of panics; a name that repeats is told once.
fn frames<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut frames: Vec<(String, usize)> = Vec::new();
    for name in names.map(|name| printable(&format!("{:#}", rustc_demangle::demangle(name)))) {
        match frames.last_mut() {
            _ if MACHINERY.iter().any(|known| name.contains(known)) => {}
            Some((last, times)) if *last == name => *times += 1,
            _ => frames.push((name, 1)),
        }
    }
    let shown = frames.into_iter().take(FRAMES).map(|(name, times)| match times {
        1 => name,
        _ => format!("{name} ({times} times)"),
    });
    shown.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_readable_and_short() {
        let mangled = [
            "_ZN4core9panicking5panic17h0123456789abcdefE",
            "_ZN7penalty5score17h0123456789abcdefE",
            "_ZN7penalty5score17h0123456789abcdefE",
            "run",
        ];
        assert_eq!(frames(mangled.into_iter()), ["penalty::score (2 times)", "run"]);
    }

    #[test]
    fn imports_are_told_by_what_they_are() {
        let text = "error: unknown import: `wasi:clocks/monotonic-clock@0.2.9#now` has not been defined";
        let (interface, function) = not_granted(text).unwrap();
        let kind = FaultKind::NotGranted(interface.to_owned(), function.to_owned());
        let fault = Fault { kind, said: None, tried: Vec::new(), frames: Vec::new() };
        insta::assert_snapshot!(fault, @"it asked for the clock (`wasi:clocks/monotonic-clock@0.2.9#now`), which is not granted");
    }
}
