//! Whether a sink may write where it wants to: not over what its pipeline reads, not into a store, not into what another
//! sink writes, and not through a link. Asked when a pipeline is checked, and again before anything is written.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::place::{Resolver, in_its_directory, is_below, is_link, is_same, resolved};
use crate::stage::{Sink, Stage, Target, Work};
use crate::store::looks_like_store;

/// The stages of a pipeline, by their names, and what else lies somewhere.
pub(crate) struct Surroundings<'a> {
    pub(crate) stages: Vec<(&'a str, &'a dyn Stage)>,
    /// The pipeline's own file, absolute.
    pub(crate) file: &'a Path,
    /// The store of the run.
    pub(crate) store: &'a Path,
}

/// Why a sink may not write where it wants to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// Lower case, no full stop.
    pub(crate) message: String,
    /// What it would write.
    pub(crate) place: PathBuf,
    /// The other sink that writes there.
    pub(crate) other: Option<String>,
    pub(crate) help: &'static str,
}

/// A place that a sink writes to.
enum Claim {
    File(PathBuf),
    /// With all that lies in it.
    Directory(PathBuf),
}

impl Claim {
    fn of(target: &Target) -> Vec<Self> {
        let place = resolved(&target.path);
        let own = if target.is_directory { Self::Directory(place) } else { Self::File(place) };
        let beside = target.beside.iter().map(|name| Self::File(resolved(&target.path.with_file_name(name))));
        [own].into_iter().chain(beside).collect()
    }

    fn path(&self) -> &Path {
        match self {
            Self::File(path) | Self::Directory(path) => path,
        }
    }

    /// Whether something that lies at a place, resolved, is this or in it.
    fn has(&self, place: &Path) -> bool {
        is_same(self.path(), place) || matches!(self, Self::Directory(path) if is_below(place, path))
    }

    fn overlaps(&self, other: &Self) -> bool {
        self.has(other.path()) || other.has(self.path())
    }
}

impl Surroundings<'_> {
    /// Why the sink at an index may not write to a target of its, if it may not. `others`: the sinks to compare it with.
    pub(crate) fn refusal(&self, index: usize, target: &Target, others: &[usize]) -> Option<Refusal> {
        let (name, _) = self.stages.get(index)?;
        let claims = Claim::of(target);
        let (path, help) = (target.path.display(), "give each a place of its own");
        let refused =
            |message: String, place: &Path, help| Some(Refusal { message, place: place.to_owned(), other: None, help });
        for other in others.iter().filter(|other| **other != index) {
            let (other, stage) = self.stages.get(*other)?;
            let Work::Sink(sink) = stage.work() else { continue };
            for (theirs, when) in [(sink.target(), ""), (sample_of(sink), " with `--limit`")] {
                let theirs = Claim::of(&theirs);
                if let Some(claim) = claims.iter().find(|claim| theirs.iter().any(|other| claim.overlaps(other))) {
                    let message = format!("`{name}` writes where `{other}` writes{when}");
                    let other = Some((*other).to_owned());
                    return Some(Refusal { message, place: claim.path().to_owned(), other, help });
                }
            }
        }
        if let Some((reader, input)) = claims.iter().find_map(|claim| self.input_in(claim)) {
            let message = format!("`{name}` writes where {reader} lies: `{}`", input.display());
            let help = "choose another `to`: an export does not replace what its own pipeline reads";
            return refused(message, &target.path, help);
        }
        let written = claims.iter().map(Claim::path).map(Path::to_owned);
        let within = target.within.iter().map(|name| resolved(&target.path).join(name));
        if let Some((place, reader)) =
            written.chain(within).find_map(|place| self.reader_of(&place).map(|reader| (place, reader)))
        {
            let message = format!("what `{name}` writes would be read by `{reader}` the next time");
            return refused(message, &place, "choose another `to`, or `files` that do not match it");
        }
        if let Some(store) = claims.iter().find_map(|claim| self.store_around(claim.path())) {
            let message = format!("`{name}` writes into the store `{}`", store.display());
            let help = "choose a `to` outside of it: what lies in a store is sternlight's own, and is cleaned up";
            return refused(message, &target.path, help);
        }
        if is_link(&in_its_directory(&target.path)) {
            let message = format!("`{name}` writes to `{path}`, which is a link");
            return refused(message, &target.path, "exports follow no links: name the place that it leads to");
        }
        None
    }

    /// Who reads something that is claimed, and where it lies.
    fn input_in(&self, claim: &Claim) -> Option<(String, PathBuf)> {
        let mut resolver = Resolver::default();
        // Inputs are many, and their directories few.
        let mut directories: BTreeMap<PathBuf, bool> = BTreeMap::new();
        let mut is_claimed = |input: &Path| {
            let place = resolver.resolved(input);
            let is_within = match (claim, place.parent()) {
                (Claim::Directory(_), Some(parent)) => {
                    *directories.entry(parent.to_owned()).or_insert_with(|| claim.has(parent))
                }
                _ => false,
            };
            is_within || claim.has(&place)
        };
        if is_claimed(self.file) {
            return Some(("the pipeline's own file".to_owned(), self.file.to_owned()));
        }
        let directory = self.file.parent().unwrap_or(self.file);
        self.stages.iter().find_map(|(reader, stage)| {
            let mut inputs = stage.inputs().into_iter().map(|input| directory.join(input));
            Some((format!("an input of `{reader}`"), inputs.find(|input| is_claimed(input))?))
        })
    }

    /// Who would read a file that is not there yet.
    fn reader_of(&self, place: &Path) -> Option<&str> {
        self.stages.iter().find(|(_, stage)| stage.would_read(place)).map(|(name, _)| *name)
    }

    fn store_around(&self, path: &Path) -> Option<PathBuf> {
        let is_store = |directory: &Path| is_same(directory, self.store) || looks_like_store(directory);
        path.ancestors().find(|directory| is_store(directory)).map(Path::to_owned)
    }
}

/// Where a sink writes in a run of few groups.
pub(crate) fn sample_of(sink: &dyn Sink) -> Target {
    sink.sample(1).target()
}
