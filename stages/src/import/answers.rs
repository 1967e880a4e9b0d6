//! Which calls of an agent got a result. Not concerned with what results say.

use std::borrow::Cow;
use std::collections::HashMap;

/// Calls that wait for their results.
#[derive(Debug, Default)]
struct Waiting<'a> {
    /// How many have no id.
    unnamed: u64,
    /// How many have one.
    named: u64,
    /// How many of each; too many, once a result without an id took one of them.
    by_id: HashMap<Cow<'a, str>, u64>,
}

impl Waiting<'_> {
    fn count(&self) -> u64 {
        self.named + self.unnamed
    }

    /// Strikes the call of this id. Whether there was one.
    fn answer(&mut self, id: &str) -> bool {
        let same = self.by_id.get_mut(id).filter(|same| **same > 0);
        match same.filter(|_| self.named > 0) {
            Some(same) => {
                *same -= 1;
                self.named -= 1;
                true
            }
            None => false,
        }
    }

    /// Strikes a call where no id tells which: one without, or any, for a result without. Whether there was one.
    fn answer_any(&mut self, id: Option<&str>) -> bool {
        let waiting = match id {
            None if self.unnamed == 0 => &mut self.named,
            _ => &mut self.unnamed,
        };
        let has_one = *waiting > 0;
        *waiting -= u64::from(has_one);
        has_one
    }

    fn clear(&mut self) {
        (self.unnamed, self.named) = (0, 0);
        self.by_id.clear();
    }
}

/// Whose a result is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// A call's of the agent's last message.
    InTime,
    /// A call's of an earlier message.
    Late,
    /// Nobody's.
    Stray,
}

/// The calls of a conversation.
#[derive(Debug, Default)]
pub(super) struct Calls<'a> {
    /// Of the agent's last message.
    last: Waiting<'a>,
    /// Of its earlier ones.
    earlier: Waiting<'a>,
}

impl<'a> Calls<'a> {
    /// The agent said something: what it called before is not answered by what comes right behind it any more.
    pub(super) fn next_message(&mut self) {
        if self.last.count() > 0 {
            self.earlier.unnamed += self.last.unnamed;
            self.earlier.named += self.last.named;
            for (id, count) in self.last.by_id.drain() {
                *self.earlier.by_id.entry(id).or_default() += count;
            }
        }
        self.last.clear();
    }

    /// The agent's last message calls something.
    pub(super) fn called(&mut self, id: Option<Cow<'a, str>>) {
        match id {
            None => self.last.unnamed += 1,
            Some(id) => {
                self.last.named += 1;
                *self.last.by_id.entry(id).or_default() += 1;
            }
        }
    }

    /// Strikes the call that a result belongs to: the one of its id, or one where either has none; of the last message
    /// before earlier ones.
    pub(super) fn answer(&mut self, id: Option<&str>) -> Answer {
        if id.is_some_and(|id| self.last.answer(id)) {
            Answer::InTime
        } else if id.is_some_and(|id| self.earlier.answer(id)) {
            Answer::Late
        } else if self.last.answer_any(id) {
            Answer::InTime
        } else if self.earlier.answer_any(id) {
            Answer::Late
        } else {
            Answer::Stray
        }
    }

    /// How many calls of the agent's last message have none.
    pub(super) fn last(&self) -> u64 {
        self.last.count()
    }

    /// How many calls have no result.
    pub(super) fn unanswered(&self) -> u64 {
        self.last.count() + self.earlier.count()
    }
}

#[cfg(test)]
mod tests {
    use super::Answer::{InTime, Late, Stray};
    use super::*;

    fn calls(ids: &[Option<&'static str>]) -> Calls<'static> {
        let mut calls = Calls::default();
        ids.iter().for_each(|id| calls.called(id.map(Cow::Borrowed)));
        calls
    }

    #[test]
    fn a_result_belongs_to_the_call_of_its_id() {
        let mut some = calls(&[Some("a"), Some("b")]);
        assert_eq!(["b", "c", "b"].map(|id| some.answer(Some(id))), [InTime, Stray, Stray]);
        assert_eq!(some.unanswered(), 1);
        some.next_message();
        some.called(Some("a".into()));
        // The same id again: the last message's comes first.
        assert_eq!([(); 3].map(|()| some.answer(Some("a"))), [InTime, Late, Stray]);
        assert_eq!(some.unanswered(), 0);
    }

    #[test]
    fn without_an_id_it_is_any_call_of_the_last_message() {
        let mut some = calls(&[None, Some("a")]);
        assert_eq!([some.answer(Some("x")), some.answer(None), some.answer(None)], [InTime, InTime, Stray]);
        assert_eq!(some.answer(Some("a")), Stray);
        let mut some = calls(&[None]);
        some.next_message();
        some.called(None);
        assert_eq!([some.answer(None), some.answer(None), some.answer(None)], [InTime, Late, Stray]);
        let mut some = calls(&[Some("a"), None]);
        some.next_message();
        assert_eq!((some.answer(Some("a")), some.unanswered()), (Late, 1));
    }
}
