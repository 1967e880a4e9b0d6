//! The phrases that user and agent choose from. Words in braces are filled in.

use super::draws::Draws;

/// One of the phrases, with `{name}` replaced by the text that belongs to it.
pub(crate) fn phrase(phrases: &[&str], draws: &mut Draws, fill: &[(&str, &str)]) -> String {
    let mut text = draws.pick(phrases).copied().unwrap_or_default().to_owned();
    for (name, value) in fill {
        text = text.replace(&format!("{{{name}}}"), value);
    }
    text
}

/// What the user says.
pub(crate) mod user {
    pub(crate) const OPENING: &[&str] = &[
        "Hello! I would like to {request}.",
        "Hi there, I want to {request}. Can you help me with that?",
        "Good morning. I need to {request}, please.",
        "Hey, quick question for you: I'd like to {request}.",
        "Hello, this is {name}. I was hoping to {request}.",
        "Hi, I have been meaning to call about this. I'd like to {request}.",
    ];
    pub(crate) const OPENING_WITH_EMAIL: &[&str] = &[
        "Hello, {name} here ({email}). I would like to {request}.",
        "Hi! My e-mail is {email}, and I need to {request}.",
        "Good afternoon. I'd like to {request}. You have me under {email}.",
    ];
    pub(crate) const NEXT: &[&str] = &[
        "Great, thank you. I would also like to {request}.",
        "Thanks. One more thing: I want to {request}.",
        "All right. And then I need to {request}.",
        "Okay. While we are at it, could I {request}?",
        "Good. Next, I'd like to {request}, please.",
    ];
    pub(crate) const EMAIL: &[&str] = &[
        "Sure, it's {email}.",
        "{email}",
        "My address is {email}, that should be the one you have.",
        "Of course: {email}.",
        "It should be under {email}.",
    ];
    pub(crate) const AGREES: &[&str] = &[
        "Yes, please.",
        "Yes, go ahead.",
        "That sounds right, yes.",
        "Yes, that is exactly what I want.",
        "Perfect, please do that.",
        "Yes. Thank you for checking.",
    ];
    pub(crate) const CORRECTS: &[&str] = &[
        "No, that is not it. I want to {request}.",
        "Hold on, I think you misread me. I'd like to {request}.",
        "Not quite. What I asked for was to {request}.",
    ];
    pub(crate) const INSISTS: &[&str] = &[
        "Could you not make an exception? It really matters to me.",
        "That is disappointing. Last time a colleague of yours did it without any trouble. Please try.",
        "I understand there are rules, but surely it can be done just this once?",
        "Are you sure? I would be very grateful if you could at least try.",
    ];
    pub(crate) const WAITS: &[&str] = &["Sure, take your time.", "Okay, I'll wait.", "No problem.", "All right."];
    pub(crate) const LEAVES: &[&str] = &[
        "That was all, thank you! ###STOP###",
        "Great, thanks for your help. ###STOP###",
        "Thank you, have a nice day. ###STOP###",
        "Okay, nothing else from me. Goodbye! ###STOP###",
        "###STOP###",
    ];
    pub(crate) const LEAVES_UNHAPPY: &[&str] = &[
        "Well, that is a pity. Goodbye. ###STOP###",
        "I see. Then I will leave it at that. ###STOP###",
        "All right, if there is no way. ###STOP###",
    ];
}

/// What the agent says.
pub(crate) mod agent {
    pub(crate) const ASK_EMAIL: &[&str] = &[
        "I'd be glad to help with that. Could you tell me the e-mail address of your account?",
        "Happy to help. First of all I need to find you: which e-mail address are you registered with?",
        "Welcome to Quaver & Reed! May I have your e-mail address, please?",
        "Of course. To look that up I need the e-mail address you gave us.",
    ];
    pub(crate) const ASK_EMAIL_AGAIN: &[&str] = &[
        "I cannot find an account under that address. Could you spell it for me once more?",
        "Hm, nothing comes up for that address. Would you check it and tell me again?",
    ];
    pub(crate) const PAUSE: &[&str] = &[
        "One moment please, I am looking that up for you.",
        "Thank you. Let me check that, it won't take long.",
        "Let me see what I can do. One moment.",
    ];
    pub(crate) const PROPOSES: &[&str] = &[
        "What I would do: {details}.{cost} Shall I go ahead?",
        "To be sure that we mean the same: {details}.{cost} Is that right?",
        "I can do that: {details}.{cost} May I have your yes?",
        "Before I change anything: this means {details}.{cost} Do you agree?",
    ];
    pub(crate) const DONE: &[&str] = &[
        "Done: {outcome}. Is there anything else?",
        "That is settled: {outcome}. Can I do anything else for you?",
        "All set, {outcome}. Anything else I can help with?",
        "Good news: {outcome}. What else can I do for you?",
    ];
    pub(crate) const PRICE: &[&str] = &[
        "That would come to {price} euros. Is there anything else you would like to know?",
        "The price is {price} euros in all. Anything else?",
        "For you that is {price} euros. Can I help with something else?",
    ];
    pub(crate) const DECLINES: &[&str] = &[
        "I am sorry, I can't do that: {rule}. Is there anything else I can do?",
        "Unfortunately that is not possible, since {rule}. Can I help with something else?",
        "I'm afraid our rules stand in the way here: {rule}. Is there something else?",
    ];
    pub(crate) const DECLINES_AGAIN: &[&str] = &[
        "I do understand, but I cannot make an exception: {rule}. Is there anything else?",
        "I wish I could. The rule holds for everybody, though: {rule}. Anything else I can do?",
    ];
    pub(crate) const DECLINES_WRONGLY: &[&str] = &[
        "I am sorry, that cannot be changed any more. Is there anything else?",
        "Unfortunately our rules do not allow that. Can I help with something else?",
        "I'm afraid that has to be done in the shop in person. Anything else?",
    ];
    pub(crate) const COULD_NOT: &[&str] = &[
        "I am sorry, our system does not let me do that at the moment. Is there anything else?",
        "Unfortunately that did not work, and I do not see why. Can I help with something else?",
    ];
    pub(crate) const BESIDE_CALL: &[&str] = &[
        "Let me look at that.",
        "I'll check this in our system.",
        "Thank you, one moment.",
        "I am going to do that now.",
        "Let me see.",
    ];
    pub(crate) const TRANSFER: &[&str] = &[
        "The customer wants to {request}. Please take over.",
        "{name} would like to {request}; I could not resolve it.",
        "Needs a colleague: the customer wants to {request}.",
    ];
}
