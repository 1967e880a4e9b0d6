//! What a plugin says of itself, checked: it is text by somebody else's program.

use arrow::datatypes::DataType;
use sternlight_engine::column::{ColumnPath, TURNS};
use sternlight_engine::contract::{AddedColumn, Scope};
use sternlight_engine::trajectory::{canonical_type, is_required};

use crate::bindings::exports::sternlight::plugin::plugin;
use crate::data_type;
use crate::schema::Schema;
use crate::text::printable_name;
use crate::world::World;

const NAME_BYTES: usize = 64;

/// Longer texts are nobody's summary.
const SUMMARY_BYTES: usize = 4 << 10;

/// Columns that a plugin may read, add or drop, of each kind: what people write by hand has dozens.
const COLUMNS: usize = 1_000;

/// What a plugin is, whatever its options.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Description {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) summary: String,
    /// JSON Schema of `with`.
    pub(crate) schema: Schema,
}

/// The column in which a plugin that leaves out rows says which stay.
pub(crate) const KEEP: &str = "keep";

/// What becomes of the rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Rows {
    /// They stay, with more columns or fewer.
    #[default]
    Same,
    /// Those stay that the plugin says.
    Subset,
    /// There are copies of them.
    New,
}

impl Rows {
    /// As the contract calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Subset => "subset",
            Self::New => "new",
        }
    }
}

/// What a plugin reads and adds under some options.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct PluginContract {
    pub(crate) scope: Scope,
    pub(crate) rows: Rows,
    /// Whether its instances go from shard to shard, so that results may depend on what they saw before.
    pub(crate) keeps_state: bool,
    /// Path, and type if the plugin wants a certain one.
    pub(crate) reads: Vec<(ColumnPath, Option<DataType>)>,
    pub(crate) adds: Vec<AddedColumn>,
    pub(crate) drops: Vec<ColumnPath>,
}

impl PluginContract {
    /// Whether the column is sent to the plugin.
    pub(crate) fn sends(&self, path: &str) -> bool {
        self.reads.iter().any(|(known, _)| known.as_str() == path)
    }

    /// Whether a column of turns, by its name there, is sent to the plugin.
    pub(crate) fn sends_of_turns(&self, name: &str) -> bool {
        self.reads.iter().any(|(known, _)| known.turn_name() == Some(name))
    }

    /// Whether the plugin has to know the turns.
    pub(crate) fn sends_turns(&self) -> bool {
        let is_of_turns = |path: &ColumnPath| path.is_turn_counts() || path.turn_name().is_some();
        self.reads.iter().any(|(path, _)| is_of_turns(path)) || self.adds.iter().any(|added| is_of_turns(&added.path))
    }

    /// Whether it adds the column.
    pub(crate) fn gives(&self, path: &str) -> bool {
        self.adds.iter().any(|column| column.path.as_str() == path)
    }
}

/// Takes a description for true where it can be.
///
/// # Errors
/// What of it cannot be.
pub(crate) fn description(told: plugin::Description) -> Result<Description, String> {
    let plugin::Description { name, version, summary, config_schema } = told;
    if !is_name(&name) {
        let name = printable_name(&name);
        return Err(format!("its name is `{name}`, expected letters, digits, `-` and `_`"));
    }
    if version.is_empty() || version.len() > NAME_BYTES || !version.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("its version is no version".to_owned());
    }
    if summary.len() > SUMMARY_BYTES {
        return Err(format!("its summary has {} bytes, expected {SUMMARY_BYTES} at most", summary.len()));
    }
    let schema = Schema::parse(&config_schema)?;
    Ok(Description { name, version, summary, schema })
}

fn is_name(name: &str) -> bool {
    let is_fine = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    !name.is_empty() && name.len() <= NAME_BYTES && name.bytes().all(is_fine)
}

/// Takes a contract for true where it fits the world.
///
/// # Errors
/// What of it does not.
pub(crate) fn contract(told: plugin::Contract, world: World) -> Result<PluginContract, String> {
    let rows = match (told.rows, world) {
        (plugin::Rows::New, World::Relabel) => Rows::New,
        (plugin::Rows::Subset, World::Batch) => Rows::Subset,
        (plugin::Rows::Same, world) if world != World::Relabel => Rows::Same,
        (plugin::Rows::New, _) => return Err(format!("it makes new rows, which a {world} plugin cannot")),
        (plugin::Rows::Subset, _) => return Err(format!("it leaves out rows, which a {world} plugin cannot")),
        (plugin::Rows::Same, _) => return Err(format!("it makes no new rows, which a {world} plugin must")),
    };
    let keeps_state = told.state == plugin::State::Reused;
    let scope = match told.scope {
        plugin::Scope::Trajectory => Scope::Trajectory,
        plugin::Scope::Group => Scope::Group,
    };
    let counts = [("reads", told.reads.len()), ("adds", told.adds.len()), ("drops", told.drops.len())];
    if let Some((what, count)) = counts.into_iter().find(|(_, count)| *count > COLUMNS) {
        return Err(format!("it {what} {count} columns, expected {COLUMNS} at most"));
    }
    let mut reads = Vec::with_capacity(told.reads.len());
    for column in told.reads {
        let path = path(&column.path)?;
        let wanted = match column.data_type.as_str() {
            "" => None,
            name => Some(data_type_of(&path, name)?),
        };
        if reads.iter().any(|(known, _)| *known == path) {
            return Err(format!("it reads `{path}` twice"));
        }
        reads.push((path, wanted));
    }
    let mut adds: Vec<AddedColumn> = Vec::with_capacity(told.adds.len());
    for column in told.adds {
        let path = path(&column.path)?;
        let data_type = data_type_of(&path, &column.data_type)?;
        check_added(&path, &data_type, world)?;
        if adds.iter().any(|known| known.path == path) {
            return Err(format!("it adds `{path}` twice"));
        }
        adds.push(AddedColumn { path, data_type });
    }
    let mut drops: Vec<ColumnPath> = Vec::with_capacity(told.drops.len());
    for name in told.drops {
        let path = path(&name)?;
        if is_required(&path) {
            return Err(format!("it drops `{path}`, which every dataset has"));
        }
        if adds.iter().any(|added| added.path == path) {
            return Err(format!("it adds and drops `{path}`"));
        }
        drops.push(path);
    }
    let changes_columns = !adds.is_empty() || !drops.is_empty();
    match world {
        World::Relabel if changes_columns => {
            Err("it adds or drops columns, and a relabel plugin makes copies of rows".to_owned())
        }
        World::Relabel if scope != Scope::Trajectory => {
            Err("it must see whole groups, and a relabel plugin sees single trajectories".to_owned())
        }
        World::Relabel => Ok(()),
        _ if rows == Rows::Subset => selects(&adds, &drops),
        _ if !changes_columns => Err("it adds no column and drops none".to_owned()),
        _ => Ok(()),
    }?;
    Ok(PluginContract { scope, rows, keeps_state, reads, adds, drops })
}

/// What leaves out rows says which, and changes nothing else.
fn selects(adds: &[AddedColumn], drops: &[ColumnPath]) -> Result<(), String> {
    match adds {
        [AddedColumn { path, data_type: DataType::Boolean }] if path.as_str() == KEEP && drops.is_empty() => Ok(()),
        _ => Err(format!("it leaves out rows, so it adds the column `{KEEP}` of type `bool` and nothing else")),
    }
}

fn path(name: &str) -> Result<ColumnPath, String> {
    let path = ColumnPath::from(name);
    let column = path.turn_name().unwrap_or(name);
    let is_column = path.is_turn_counts() || is_name(column);
    if is_column { Ok(path) } else { Err(format!("`{}` is no column's path", printable_name(name))) }
}

fn data_type_of(path: &ColumnPath, name: &str) -> Result<DataType, String> {
    data_type::parse(name).ok_or_else(|| {
        format!("the type `{}` of `{path}` is none; there are {}", printable_name(name), data_type::known())
    })
}

fn check_added(path: &ColumnPath, data_type: &DataType, world: World) -> Result<(), String> {
    if is_required(path) || path.as_str() == TURNS {
        return Err(format!("it adds `{path}`, which no plugin may change"));
    }
    if let Some(known) = world.columns()
        && !known.contains(&path.as_str())
    {
        let known: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
        return Err(format!("it adds `{path}`, but a {} plugin adds {}", world.name(), known.join(" and ")));
    }
    match canonical_type(path).filter(|expected| !data_type::is_alike(expected, data_type)) {
        Some(expected) => {
            let (found, expected) = (data_type::name(data_type), data_type::name(&expected));
            Err(format!("it adds `{path}` of type `{found}`, expected `{expected}`"))
        }
        None => Ok(()),
    }
}
