//! The scripted user: states one request after another, answers questions, corrects what is wrong, and leaves.

use super::database::Database;
use super::draws::Draws;
use super::phrases::{phrase, user};
use super::task::{Action, Task};
use super::wording::{self, Speaker};

/// What a message of the agent means to the user.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Intent<'a> {
    AskEmail,
    Pause,
    /// A change, put to the user for a yes.
    Propose(&'a Action),
    /// The request is done, or said to be.
    Done,
    /// The request is declined.
    Decline,
}

/// What the user's answer means to the agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// A request, by its place in the task; `with_email` if the address was given along with it.
    Asks {
        request: usize,
        with_email: bool,
    },
    GivesEmail,
    Waits,
    Agrees,
    Corrects,
    Insists,
    Leaves,
}

/// A message of the user.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) text: String,
    pub(crate) meaning: Meaning,
}

/// The user of one episode.
#[derive(Debug)]
pub(crate) struct User<'a> {
    task: &'a Task,
    shop: &'a Database,
    draws: Draws,
    /// The request that is being dealt with.
    current: usize,
    has_insisted: bool,
}

impl<'a> User<'a> {
    pub(crate) fn new(task: &'a Task, shop: &'a Database, draws: Draws) -> Self {
        Self { task, shop, draws, current: 0, has_insisted: false }
    }

    /// The first message.
    pub(crate) fn open(&mut self) -> Reply {
        let with_email = self.draws.percent(30);
        let phrases = if with_email { user::OPENING_WITH_EMAIL } else { user::OPENING };
        Reply { text: self.phrase(phrases), meaning: Meaning::Asks { request: 0, with_email } }
    }

    /// The answer to a message of the agent.
    pub(crate) fn reply(&mut self, intent: Intent<'_>) -> Reply {
        let (phrases, meaning) = match intent {
            Intent::AskEmail => (user::EMAIL, Meaning::GivesEmail),
            Intent::Pause => (user::WAITS, Meaning::Waits),
            Intent::Propose(action) if self.objects_to(action) => (user::CORRECTS, Meaning::Corrects),
            Intent::Propose(_) => (user::AGREES, Meaning::Agrees),
            Intent::Decline if !self.has_insisted && self.draws.percent(50) => {
                self.has_insisted = true;
                (user::INSISTS, Meaning::Insists)
            }
            Intent::Done => self.go_on(user::LEAVES),
            Intent::Decline => self.go_on(user::LEAVES_UNHAPPY),
        };
        Reply { text: self.phrase(phrases), meaning }
    }

    /// People skim: only every second wrong proposal is noticed.
    fn objects_to(&mut self, action: &Action) -> bool {
        let expected = self.task.expected.get(self.current).and_then(Option::as_ref);
        expected.is_some_and(|expected| expected != action) && self.draws.percent(50)
    }

    fn go_on(&mut self, farewell: &'static [&'static str]) -> (&'static [&'static str], Meaning) {
        self.current += 1;
        if self.current < self.task.requests.len() {
            (user::NEXT, Meaning::Asks { request: self.current, with_email: false })
        } else {
            (farewell, Meaning::Leaves)
        }
    }

    fn phrase(&mut self, phrases: &[&str]) -> String {
        let task = self.task;
        let wish = task.requests.get(self.current).zip(self.shop.customers.get(&task.customer));
        let request = wish
            .map(|(wish, customer)| wording::request(wish, customer, Speaker::Customer, task.knows_numbers, self.shop));
        let fill = [("request", request.as_deref().unwrap_or_default()), ("name", &task.name), ("email", &task.email)];
        phrase(phrases, &mut self.draws, &fill)
    }
}
