//! The `export` stage: which files to write, and what to tell about them.

use sternlight_engine::column::ColumnPath;
use sternlight_engine::contract::{Contract, Effect, Scope};
use sternlight_engine::dataset::{Dataset, Shard};
use sternlight_engine::problem::Problem;
use sternlight_engine::stage::{
    BuildContext, BuiltIn, Context, Sink, Stage, StageError, Staging, Target, Work,
};
use sternlight_engine::trajectory::TrajectorySchema;

use super::card::card;
use super::chat;
use super::destination::{Destination, Encoding, ExportOptions};
use super::findings::Findings;
use super::highlight::highlight;

/// Writes a dataset outside of the store.
#[derive(Debug)]
pub struct Export {
    destination: Destination,
    overwrite: bool,
}

impl BuiltIn for Export {
    type Options = ExportOptions;

    const NAME: &'static str = "export";
    const SUMMARY: &'static str = "writes the dataset as ordinary Parquet or as chat messages, with a card";
    const DOCUMENTATION: &'static str = include_str!("documentation.md");
    const VERSION: u32 = 1;

    fn build(options: ExportOptions, context: &BuildContext<'_>) -> Result<Self, Vec<Problem>> {
        let destination = Destination::of(&options, context).map_err(|problem| vec![problem])?;
        Ok(Self { destination, overwrite: options.overwrite })
    }
}

impl Stage for Export {
    fn contract(&self, input: &TrajectorySchema) -> Result<Contract, Problem> {
        let mut reads: Vec<ColumnPath> = chat::REQUIRED.into_iter().map(ColumnPath::from).collect();
        reads.extend(input.paths().into_iter().filter(|path| !chat::REQUIRED.contains(&path.as_str())));
        Ok(Contract { reads, scope: Scope::Dataset, effect: Effect::Sink })
    }

    fn work(&self) -> Work<'_> {
        Work::Sink(self)
    }
}

impl Sink for Export {
    fn target(&self) -> Target {
        Target {
            path: self.destination.path.clone(),
            is_directory: self.destination.stem.is_none(),
            overwrite: self.overwrite,
        }
    }

    fn export(&self, dataset: &Dataset, staging: &mut dyn Staging, context: &mut Context) -> Result<(), StageError> {
        let findings = Findings::of(dataset)?;
        let card_path = staging.place(&self.destination.card_name())?;
        let text = card(dataset, &findings.metrics, &self.destination);
        std::fs::write(&card_path, text).map_err(|error| StageError::file("write", &card_path, &error))?;
        let files: Vec<&[Shard]> = match self.destination.stem {
            // Readers of a directory want at least one file to learn the columns from.
            None if !dataset.shards.is_empty() => dataset.shards.chunks(1).collect(),
            _ => vec![&dataset.shards],
        };
        let mut without_turns = 0;
        for (index, shards) in files.into_iter().enumerate() {
            let path = staging.place(&self.destination.file_name(index))?;
            match self.destination.encoding {
                Encoding::Parquet => {
                    dataset.write_parquet(shards, &path)?;
                }
                Encoding::Lines(compression) => without_turns += chat::write(dataset, shards, &path, compression)?,
            }
        }
        if without_turns > 0 {
            context.warnings.push(format!(
                "{without_turns} trajectories have no turn, so their chats have no assistant message, which training \
                 services refuse; a `filter` in front leaves them out"
            ));
        }
        for (title, found) in [("most blamed turn", &findings.blamed), ("most praised turn", &findings.praised)] {
            if let Some(found) = found {
                context.highlights.push(highlight(dataset, title, found)?);
            }
        }
        context.metrics.merge(&findings.metrics);
        Ok(())
    }
}
