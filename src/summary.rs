//! What a run came to, for people.

use std::cmp::Reverse;
use std::fmt::Write as _;
use std::path::Path;

use sternlight_engine::artifact::ArtifactKind;
use sternlight_engine::event::{OutputResult, StageResult};
use sternlight_engine::metrics::Distribution;
use sternlight_engine::printable::{is_hidden, printable_line};
use sternlight_engine::stage::Highlight;

use crate::common::Common;
use crate::output::Page;
use crate::style;

/// Width that the names of figures take.
const NAME_WIDTH: usize = 24;

/// Width that the labels of a highlight take.
const LABEL_WIDTH: usize = 18;

/// The summary of a run that just ended.
pub(crate) fn of_run(stages: &[StageResult], file: &Path, common: &Common) -> Page {
    let mut text = of_stages(stages);
    if !stages.is_empty() && stages.iter().all(|stage| stage.computed == 0) {
        text.push_str("\nnothing to do: every result was there already\n");
    }
    if !common.quiet {
        let _ = write!(text, "\n{}\n", style::title("next"));
        for (command, what) in next_steps(stages, file) {
            let _ = writeln!(text, "  {command}\n      {}", style::dim(what));
        }
    }
    text
}

/// Figures, highlights and places of a run's stages.
pub(crate) fn of_stages(stages: &[StageResult]) -> Page {
    let mut text = Page::default();
    text.push_str("\n");
    if let Some(groups) = stages.iter().find_map(|stage| stage.sample) {
        let _ = writeln!(text, "{:<NAME_WIDTH$}{} of each source, by `--limit`", "a sample", first_groups(groups));
    }
    for (name, value) in figures(&ranked(stages)) {
        let _ = writeln!(text, "{name:<NAME_WIDTH$}{value}");
    }
    let mut titles: Vec<&str> = Vec::new();
    for highlight in ranked(stages).into_iter().flat_map(|stage| &stage.highlights) {
        if !titles.contains(&highlight.title.as_str()) {
            titles.push(&highlight.title);
            write_highlight(&mut text, highlight);
        }
    }
    for stage in stages.iter().filter(|stage| stage.quarantined > 0) {
        let _ = write!(
            text,
            "\n{:<NAME_WIDTH$}{}\n",
            format!("put aside by {}", stage.stage),
            trajectories(stage.quarantined)
        );
    }
    for stage in stages.iter().filter(|stage| !stage.not_reproducible.is_empty()) {
        let outside = stage.not_reproducible.join(", ");
        let _ = write!(
            text,
            "\n{:<NAME_WIDTH$}{} depends on more than its inputs: {outside}\n",
            "not reproducible", stage.stage
        );
    }
    for stage in stages {
        if let Some(target) = &stage.target {
            let sample = stage.sample.map_or(String::new(), |groups| format!(", a sample: {}", first_groups(groups)));
            let target = shortened(target);
            let _ = write!(text, "\n{:<NAME_WIDTH$}{target}{sample}\n", format!("written by {}", stage.stage));
        }
    }
    text
}

fn first_groups(count: u64) -> String {
    if count == 1 { "the first group".to_owned() } else { format!("the first {count} groups") }
}

/// So many trajectories, in words.
pub(crate) fn trajectories(count: u64) -> String {
    match count {
        1 => "1 trajectory".to_owned(),
        _ => format!("{count} trajectories"),
    }
}

/// How much a stage made, in words of a fixed width.
pub(crate) fn amount(stage: &StageResult) -> String {
    let what = match (&stage.dataset, &stage.target, stage.outputs.first()) {
        (None, None, Some(OutputResult { kind: ArtifactKind::Policy, .. })) => return format!("{:>22}", "a policy"),
        (None, None, Some(OutputResult { kind: ArtifactKind::Table, .. })) => "rows",
        _ => "trajectories",
    };
    format!("{:>9} {what:<12}", stage.rows)
}

/// The stages by how much they say of what came out: the export with the most rows, then the later before the earlier.
fn ranked(stages: &[StageResult]) -> Vec<&StageResult> {
    let mut ranked: Vec<&StageResult> = stages.iter().rev().collect();
    ranked.sort_by_key(|stage| Reverse(stage.target.as_ref().map(|_| stage.rows)));
    ranked
}

/// The count of the first stage that has it.
fn counted(stages: &[&StageResult], name: &str) -> Option<u64> {
    stages
        .iter()
        .find(|stage| stage.metrics.iter().any(|(known, _)| known == name))
        .map(|stage| stage.metrics.counted(name))
}

/// How many trajectories have a reward, of how many, by the first stage that tells both, if some have none.
fn scored(stages: &[&StageResult]) -> Option<(u64, u64)> {
    let told = |stage: &&StageResult, name: &str| stage.metrics.iter().any(|(known, _)| known == name);
    let stage = stages.iter().find(|stage| told(stage, "scored") && told(stage, "trajectories"))?;
    let (scored, all) = (stage.metrics.counted("scored"), stage.metrics.counted("trajectories"));
    (scored < all).then_some((scored, all))
}

fn distribution(stages: &[&StageResult], name: &str) -> Option<Distribution> {
    stages.iter().find_map(|stage| stage.metrics.distribution(name))
}

fn figures(stages: &[&StageResult]) -> Vec<(&'static str, String)> {
    let mut figures = Vec::new();
    let trajectories = counted(stages, "trajectories");
    if let Some(trajectories) = trajectories {
        let turns = counted(stages, "turns").map_or(String::new(), |turns| format!(" with {turns} turns"));
        figures.push(("trajectories", format!("{trajectories}{turns}")));
    }
    if let Some(groups) = counted(stages, "groups") {
        figures.push(("groups", groups.to_string()));
    }
    if let (Some(successes), Some(judged)) =
        (counted(stages, "successes"), counted(stages, "judged").or(trajectories).filter(|count| *count > 0))
    {
        let rate = 100.0 * successes as f64 / judged as f64;
        figures.push(("success rate", format!("{rate:.1} % ({successes} of {judged})")));
    }
    if let (Some(silent), Some(groups)) = (counted(stages, "groups_without_signal"), counted(stages, "groups")) {
        figures.push(("groups without signal", format!("{silent} of {groups} (all rewards equal, or fewer than two)")));
    }
    if let Some((scored, of)) = scored(stages) {
        figures.push(("scored", format!("{scored} of {of}")));
    }
    if let Some(reward) = distribution(stages, "reward") {
        let (low, high) = (short(reward.minimum), short(reward.maximum));
        figures.push(("reward", format!("mean {:.3}, from {low} to {high}", reward.mean)));
    }
    if let Some(advantage) = distribution(stages, "advantage") {
        let spread = advantage.standard_deviation();
        let (low, high) = (advantage.minimum, advantage.maximum);
        figures
            .push(("advantage", format!("mean {:.3}, spread {spread:.3}, from {low:.3} to {high:.3}", advantage.mean)));
    }
    let verdicts = ["progress", "redundant", "invalid", "failed", "none"];
    let judged: Vec<String> = verdicts
        .iter()
        .filter_map(|verdict| Some(format!("{} {verdict}", counted(stages, &format!("verdict.{verdict}"))?)))
        .collect();
    if !judged.is_empty() {
        figures.push(("turns by verdict", judged.join(", ")));
    }
    figures
}

fn write_highlight(text: &mut Page, highlight: &Highlight) {
    let place = format!("{} turn {}", printable_line(&highlight.trajectory_id), highlight.turn);
    let _ =
        write!(text, "\n{}: {place}, advantage {}\n", style::title(&highlight.title), style::signed(highlight.value));
    for (label, line) in &highlight.lines {
        let label = printable_line(label);
        let _ =
            writeln!(text, "    {label:<LABEL_WIDTH$}{}", line.replace('\n', &format!("\n    {:LABEL_WIDTH$}", "")));
    }
}

fn next_steps(stages: &[StageResult], file: &Path) -> Vec<(String, &'static str)> {
    let (program, mut steps) = (program(), Vec::new());
    let highlighted = ranked(stages).into_iter().find(|stage| !stage.highlights.is_empty());
    let read = highlighted.and_then(|shown| {
        let before = stages.iter().take_while(|stage| stage.stage != shown.stage);
        before.filter(|stage| stage.dataset.is_some() && stage.rows == shown.rows).last()
    });
    let last = stages.iter().rev().find(|stage| stage.dataset.is_some());
    // An id that is spelled out to be seen, or would end the quotes, is none that could be typed.
    let typed = |highlight: &&Highlight| {
        !highlight.trajectory_id.contains(|letter| is_hidden(letter) || "\n\t'".contains(letter))
    };
    if let (Some(highlight), Some(read)) = (highlighted.and_then(|shown| shown.highlights.first()).filter(typed), read)
    {
        let command = format!("{program} show last {} '{}'", read.stage, highlight.trajectory_id);
        steps.push((command, "that trajectory: its turns, verdicts and advantages"));
    } else if let Some(stage) = last {
        steps.push((format!("{program} show last {}", stage.stage), "the dataset: its columns and first rows"));
    }
    if let Some(stage) = stages.iter().find(|stage| stage.quarantined > 0) {
        steps.push((format!("{program} show last {} --quarantine", stage.stage), "what was put aside, and why"));
    }
    let file = file.display();
    steps.push((format!("{program} plan {file}"), "edit the pipeline, then see what would run again"));
    steps.push((format!("{program} stages"), "what pipelines can do"));
    steps
}

/// What to type to call this program again: its name, or the path by which it was called.
fn program() -> String {
    let called = std::env::args().next().unwrap_or_default();
    if called.contains(std::path::MAIN_SEPARATOR) { shortened(Path::new(&called)) } else { "sternlight".to_owned() }
}

/// Relative to the current directory where that is shorter to read.
fn shortened(path: &Path) -> String {
    let current = std::env::current_dir().ok();
    let relative = current.as_deref().and_then(|current| path.strip_prefix(current).ok());
    relative.unwrap_or(path).display().to_string()
}

/// A number with three places at most: rewards are 32-bit numbers, whose further digits say nothing.
fn short(number: f64) -> String {
    let text = format!("{number:.3}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        let shown = [1.0, 0.0, -0.0, -0.0001, 1.3300000429153442, -2.5, 100.0].map(short);
        assert_eq!(shown, ["1", "0", "0", "0", "1.33", "-2.5", "100"]);
    }
}
