//! What training services refuse of chats, and what chats cannot hold: counted, and said. Not concerned with how chats
//! are made.

/// Chats, counted by what is wrong with them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Unfit {
    /// Without a turn, and so without a message of the assistant.
    pub(super) without_turns: u64,
    /// With a call, before the last message, that no tool message answers.
    pub(super) with_unanswered_calls: u64,
    /// Whose last message calls something that was never answered.
    pub(super) ending_in_calls: u64,
    /// With results that are written as words of the user, because no call of the message before asks for them.
    pub(super) with_stray_results: u64,
    /// With pictures, sounds or files in messages of others than the user.
    pub(super) with_media_of_others: u64,
    /// Pictures, sounds and files, not chats, of which only the placeholder is written.
    pub(super) lost_media: u64,
}

impl Unfit {
    fn all(&mut self) -> [&mut u64; 6] {
        [
            &mut self.without_turns,
            &mut self.with_unanswered_calls,
            &mut self.ending_in_calls,
            &mut self.with_stray_results,
            &mut self.with_media_of_others,
            &mut self.lost_media,
        ]
    }

    /// Adds what others hold.
    pub(super) fn add(&mut self, mut other: Self) {
        for (count, more) in self.all().into_iter().zip(other.all()) {
            *count += *more;
        }
    }

    /// Sentences about them.
    pub(super) fn warnings(self) -> Vec<String> {
        let sentences = [
            (
                self.without_turns,
                "trajectories without a turn: {}; their chats have no assistant message, which training services refuse, \
                 and a `filter` in front leaves them out",
            ),
            (
                self.with_unanswered_calls,
                "chats with a call that no tool message answers, which training services refuse: {}",
            ),
            (self.ending_in_calls, "chats that end in a call which nothing answered: {}"),
            (
                self.with_stray_results,
                "chats with results that no call of the message before asks for, written as messages of the user: {}",
            ),
            (
                self.with_media_of_others,
                "chats with pictures, sounds or files in messages of others than the user, which OpenAI refuses: {}",
            ),
            (
                self.lost_media,
                "pictures, sounds and files that no chat message can hold, of which the placeholder is written: {}",
            ),
        ];
        let found = sentences.into_iter().filter(|(count, _)| *count > 0);
        found.map(|(count, sentence)| sentence.replace("{}", &count.to_string())).collect()
    }
}
