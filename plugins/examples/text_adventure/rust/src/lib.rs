//! An environment: a small text adventure, another house for every task.
//!
//! A lamp lies in one room, a key in another; the chest is locked and its room dark. The agent walks, takes the lamp and the
//! key, opens the chest, and wins. Actions are one line: `go north`, `take lamp`, `open chest`, `look`. A step costs a
//! little, finding something is worth something, and the episode is over after `max_steps`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sternlight_plugin::{Environment, Result, Start, Step, Task, environment};

const PLACES: [&str; 10] =
    ["kitchen", "library", "garden", "attic", "hall", "workshop", "cellar", "gallery", "pantry", "study"];
const DIRECTIONS: [(&str, i32, i32); 4] = [("north", 0, 1), ("south", 0, -1), ("east", 1, 0), ("west", -1, 0)];
const PROMPT: &str = "You are in a house. Somewhere in it is a locked chest: open it.
Say one of: go north|south|east|west, take THING, open chest, look.";

/// What the pipeline gives in `with`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Rooms of a house.
    #[schemars(range(min = 3, max = 10))]
    pub rooms: usize,
    /// Steps before the episode ends.
    #[schemars(range(min = 1))]
    pub max_steps: u32,
    /// Taken off for every step.
    #[schemars(range(min = 0, max = 1))]
    pub step_cost: f32,
}

impl Default for Config {
    fn default() -> Self {
        Self { rooms: 5, max_steps: 30, step_cost: 0.01 }
    }
}

/// A room of a house.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Room {
    /// The room in each direction.
    exits: BTreeMap<String, String>,
    things: Vec<String>,
    chest: bool,
    dark: bool,
}

/// What a task holds.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct House {
    rooms: BTreeMap<String, Room>,
    start: String,
}

/// One episode.
pub struct Adventure {
    house: House,
    here: String,
    carried: Vec<String>,
    steps: u32,
    config: Config,
}

impl Environment for Adventure {
    type Config = Config;
    type Data = House;

    fn tasks(count: u32, seed: u32, config: &Config) -> Result<Vec<Task<House>>> {
        let task = |index| Task { id: format!("house-{index}"), data: house(seed, index, config.rooms), seed };
        Ok((0..count).map(task).collect())
    }

    fn reset(task: Task<House>, config: &Config) -> Result<(Self, Start)> {
        let here = task.data.start.clone();
        let episode = Self { house: task.data, here, carried: Vec::new(), steps: 0, config: config.clone() };
        let observation = episode.look();
        Ok((episode, Start { prompt: PROMPT.to_owned(), observation }))
    }

    fn step(&mut self, action: &str) -> Result<Step> {
        self.steps += 1;
        let action = action.trim().to_lowercase();
        let (observation, gain, won) = self.act(&action);
        let done = won || self.steps >= self.config.max_steps;
        Ok(Step { observation, reward: gain - self.config.step_cost, done, success: done.then_some(won) })
    }
}

environment!(Adventure);

impl Adventure {
    /// What happens: what is seen, what it is worth, and whether the chest is open.
    fn act(&mut self, action: &str) -> (String, f32, bool) {
        let (verb, what) = action.split_once(' ').unwrap_or((action, ""));
        let sees = self.sees();
        let Some(room) = self.house.rooms.get_mut(&self.here) else {
            return ("You are nowhere.".to_owned(), 0.0, false);
        };
        match verb {
            "look" => (self.look(), 0.0, false),
            "go" => match room.exits.get(what) {
                Some(next) => {
                    self.here = next.clone();
                    (self.look(), 0.0, false)
                }
                None => ("There is a wall.".to_owned(), 0.0, false),
            },
            "take" if sees && room.things.iter().any(|thing| thing == what) => {
                room.things.retain(|thing| thing != what);
                self.carried.push(what.to_owned());
                (format!("You have the {what}."), 0.2, false)
            }
            "open" if sees && what == "chest" && room.chest => match self.carries("key") {
                true => ("The chest opens. You have done it.".to_owned(), 1.0, true),
                false => ("The chest is locked.".to_owned(), 0.0, false),
            },
            _ => (format!("You cannot do that: {action}."), 0.0, false),
        }
    }

    fn carries(&self, thing: &str) -> bool {
        self.carried.iter().any(|carried| carried == thing)
    }

    fn sees(&self) -> bool {
        self.carries("lamp") || self.house.rooms.get(&self.here).is_some_and(|room| !room.dark)
    }

    fn look(&self) -> String {
        let Some(room) = self.house.rooms.get(&self.here) else { return "You are nowhere.".to_owned() };
        let exits = room.exits.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        let seen = match self.sees() {
            false => "It is dark.".to_owned(),
            true => {
                let things = room.things.iter().map(|thing| format!("a {thing}"));
                let all: Vec<String> = things.chain(room.chest.then(|| "a chest".to_owned())).collect();
                format!("You see {}.", if all.is_empty() { "nothing".to_owned() } else { all.join(", ") })
            }
        };
        format!("The {}. {seen} Exits: {exits}.", self.here)
    }
}

/// Rooms on a grid, each grown beside an earlier one; the lamp is never in the dark.
fn house(seed: u32, index: u32, size: usize) -> House {
    let mut draw = Draws { state: mixed(seed ^ mixed(index)) };
    let size = size.clamp(3, PLACES.len());
    let mut names = PLACES.to_vec();
    for place in 0..size {
        names.swap(place, place + draw.below(PLACES.len() - place));
    }
    names.truncate(size);
    let mut at: Vec<((i32, i32), &str)> = vec![((0, 0), names[0])];
    for name in &names[1..] {
        let beside = at.iter().flat_map(|((x, y), _)| DIRECTIONS.map(|(_, dx, dy)| (x + dx, y + dy)));
        let free: Vec<(i32, i32)> = beside.filter(|place| at.iter().all(|(taken, _)| taken != place)).collect();
        at.push((free[draw.below(free.len())], name));
    }
    let mut rooms: BTreeMap<String, Room> = BTreeMap::new();
    for ((x, y), name) in &at {
        let exits = DIRECTIONS.iter().filter_map(|(direction, dx, dy)| {
            let (_, next) = at.iter().find(|(place, _)| *place == (x + dx, y + dy))?;
            Some(((*direction).to_owned(), (*next).to_owned()))
        });
        rooms.insert((*name).to_owned(), Room { exits: exits.collect(), ..Room::default() });
    }
    // The last that was built is dark: no other room lies behind it alone.
    let (lamp, key) = (draw.below(size - 1), draw.below(size - 2));
    let key = if key >= lamp { key + 1 } else { key };
    for (place, thing) in [(lamp, "lamp"), (key, "key")] {
        rooms.entry(names[place].to_owned()).or_default().things.push(thing.to_owned());
    }
    let dark = rooms.entry(names[size - 1].to_owned()).or_default();
    (dark.dark, dark.chest) = (true, true);
    House { rooms, start: names[0].to_owned() }
}

/// Numbers that look random and follow from where they begin.
struct Draws {
    state: u32,
}

impl Draws {
    fn below(&mut self, count: usize) -> usize {
        self.state = self.state.wrapping_add(0x9e37_79b9);
        mixed(self.state) as usize % count
    }
}

/// The last steps of MurmurHash3.
fn mixed(mut hash: u32) -> u32 {
    hash = (hash ^ (hash >> 16)).wrapping_mul(0x85eb_ca6b);
    hash = (hash ^ (hash >> 13)).wrapping_mul(0xc2b2_ae35);
    hash ^ (hash >> 16)
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use sternlight_plugin::testing::play;

    use super::*;

    /// The shortest way between two rooms.
    fn way(house: &House, from: &str, to: &str) -> Vec<String> {
        let mut known: BTreeMap<&str, Vec<String>> = BTreeMap::from([(from, Vec::new())]);
        let mut next = VecDeque::from([from]);
        while let Some(here) = next.pop_front() {
            for (direction, room) in &house.rooms[here].exits {
                if !known.contains_key(room.as_str()) {
                    let way = known[here].iter().cloned().chain([format!("go {direction}")]).collect();
                    known.insert(room, way);
                    next.push_back(room);
                }
            }
        }
        known[to].clone()
    }

    #[test]
    fn every_house_can_be_won() {
        for (seed, rooms) in (0..50).flat_map(|seed| [(seed, 3), (seed, 5), (seed, 10)]) {
            let house = house(seed, 0, rooms);
            let place = |is_it: &dyn Fn(&Room) -> bool| house.rooms.iter().find(|(_, room)| is_it(room)).unwrap().0;
            let lamp = place(&|room| room.things.contains(&"lamp".to_owned()));
            let key = place(&|room| room.things.contains(&"key".to_owned()));
            let chest = place(&|room| room.chest);
            let mut actions = way(&house, &house.start, lamp);
            actions.push("take lamp".to_owned());
            actions.extend(way(&house, lamp, key));
            actions.push("take key".to_owned());
            actions.extend(way(&house, key, chest));
            actions.push("open chest".to_owned());
            let actions: Vec<&str> = actions.iter().map(String::as_str).collect();
            let config = format!(r#"{{"rooms": {rooms}, "max_steps": 100}}"#);
            let (_, steps) = play(&plugin(), &actions, seed, &config).unwrap();
            let last = steps.last().unwrap();
            assert_eq!((last.done, last.success), (true, Some(true)), "{house:?} {actions:?}");
        }
    }

    #[test]
    fn what_cannot_be_done_is_told() {
        let (start, steps) =
            play(&plugin(), &["fly", "go up", "open chest", "LOOK "], 1, r#"{"max_steps": 4}"#).unwrap();
        assert_eq!(start.prompt, PROMPT);
        assert_eq!(steps[0].observation, "You cannot do that: fly.");
        assert_eq!(steps[1].observation, "There is a wall.");
        assert_eq!(steps[3].observation, start.observation);
        assert_eq!((steps[2].success, steps[3].done, steps[3].success), (None, true, Some(false)));
    }
}
