//! What is seen while a run goes on: bars on a terminal, plain lines otherwise, events for programs.

use std::io::IsTerminal as _;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use sternlight_engine::event::{Event, Record, StageResult};
use sternlight_engine::printable::printable_line;

use crate::common::Common;
use crate::output::{self, errln, hanging};
use crate::{style, summary};

/// Shows events as they come.
pub(crate) struct Progress {
    json: bool,
    quiet: bool,
    bar: ProgressBar,
    /// Whether a thread can keep the bar moving, which would panic where the system gives none.
    ticks: bool,
    /// What the stages of the iteration at hand came to.
    iteration: Mutex<Iteration>,
}

/// What the stages of an iteration came to.
#[derive(Default)]
struct Iteration {
    stages: usize,
    computed: usize,
    seconds: f64,
    figures: Vec<(String, f64)>,
}

impl Iteration {
    fn add(&mut self, result: &StageResult) {
        self.stages += 1;
        self.computed += usize::from(result.computed > 0);
        self.seconds += result.seconds;
        let stage = result.stage.split('@').next().unwrap_or_default();
        self.figures.extend(result.figures.iter().map(|(name, value)| (format!("{stage}.{name}"), *value)));
    }
}

impl Progress {
    pub(crate) fn new(common: &Common) -> Self {
        let visible = !common.json && !common.quiet && std::io::stderr().is_terminal();
        let target = if visible { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target);
        if let Ok(style) = ProgressStyle::with_template("  {msg:<14} {bar:30} {pos} of {len} parts {elapsed}") {
            bar.set_style(style);
        }
        let ticks = visible && thread::Builder::new().spawn(|| ()).is_ok();
        Self { json: common.json, quiet: common.quiet, bar, ticks, iteration: Mutex::default() }
    }

    pub(crate) fn observe(&self, record: &Record) {
        if self.json {
            if let Ok(line) = serde_json::to_string(record) {
                // Whether it can be read or not must not stop the run: its result is in the store.
                output::json_text(&line);
            }
            return;
        }
        if self.quiet {
            return;
        }
        match &record.event {
            Event::StageStarted { stage, parts, cached } => {
                self.bar.set_length(*parts as u64);
                self.bar.set_position(*cached as u64);
                self.bar.set_message(printable_line(stage).into_owned());
                if self.ticks {
                    self.bar.enable_steady_tick(Duration::from_millis(200));
                }
            }
            Event::Progressed { stage, step, of, figures, .. } => {
                let figures: Vec<String> = figures.iter().map(|(name, value)| format!("{name} {value:.4}")).collect();
                let of = of.map_or(String::new(), |of| format!("/{of}"));
                let message = format!("{stage} {step}{of} {}", figures.join(", "));
                self.bar.set_message(printable_line(&message).into_owned());
            }
            // The other steps prepare parts.
            Event::PartFinished { step, .. } if step == "map" || step == "gather" => self.bar.inc(1),
            // Of what is repeated a line tells for each iteration, not for each stage.
            Event::StageFinished(result) if result.is_repeated() => {
                self.iteration.lock().unwrap_or_else(PoisonError::into_inner).add(result);
                self.bar.suspend(|| print_warnings(result));
            }
            Event::StageFinished(result) => self.bar.suspend(|| {
                print_result(result);
                print_warnings(result);
            }),
            Event::Retried { stage, label, attempt, reason, wait, .. } => self.bar.suspend(|| {
                let retry = format!("{stage}: `{label}`: {reason}; retry {attempt} in {wait} s");
                errln!("  {}{}", style::warning("warning: "), hanging(&retry));
            }),
            Event::IterationFinished { iteration, of, last } => {
                self.bar.suspend(|| self.iteration(*iteration, *of, *last));
            }
            Event::RunStarted { .. }
            | Event::Quarantined { .. }
            | Event::Logged { .. }
            | Event::PartFinished { .. }
            | Event::StageFailed { .. }
            | Event::RunFailed { .. }
            | Event::RunFinished { .. } => {}
        }
    }

    fn iteration(&self, number: u64, of: u64, is_last: bool) {
        let done = std::mem::take(&mut *self.iteration.lock().unwrap_or_else(PoisonError::into_inner));
        let name = format!("iteration {number}");
        let work = match (done.computed, done.stages) {
            (0, _) => "cached".to_owned(),
            (computed, stages) => format!("computed {computed} of {stages}, {:.2} s", done.seconds),
        };
        let figures: Vec<String> =
            done.figures.iter().map(|(name, value)| format!("{name} {}", short(*value))).collect();
        let end = if is_last && number + 1 < of { format!("; `until` holds: the last of {of}") } else { String::new() };
        errln!("  {name:<14} {}  {}{end}", figures.join(", "), style::dim(work));
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

fn print_result(result: &StageResult) {
    let work = match (result.cached, result.computed) {
        (_, 0) => "cached".to_owned(),
        (0, parts) => {
            format!("computed {parts} {}, {:.2} s", if parts == 1 { "part" } else { "parts" }, result.seconds)
        }
        (cached, parts) => format!("computed {parts} of {} parts, {:.2} s", cached + parts, result.seconds),
    };
    errln!("  {:<14} {}  {}", result.stage, summary::amount(result), style::dim(work));
}

/// A figure with three places.
fn short(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn print_warnings(result: &StageResult) {
    if result.quarantined > 0 {
        let aside = summary::trajectories(result.quarantined);
        errln!("  {}{}: put {aside} aside", style::warning("warning: "), result.stage);
    }
    for warning in &result.warnings {
        errln!("  {}{}: {}", style::warning("warning: "), result.stage, hanging(warning));
    }
}
