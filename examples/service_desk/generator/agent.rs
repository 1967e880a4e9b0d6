//! The scripted agent: follows the policy, and errs at each decision as often as its skill and the task's difficulty say.

use std::collections::BTreeSet;
use std::convert::Infallible;

use serde_json::{Value, json};

use super::draws::Draws;
use super::episode::{Conversation, Ended};
use super::mistake::Mistake;
use super::phrases::{agent, phrase};
use super::policy::{self, Objection};
use super::task::{Action, Request, Task};
use super::tools::TRANSFER;
use super::user::{Intent, Meaning};
use super::wording::{self, Speaker};

/// How much likelier than `difficulty × lack of skill` a mistake is at each kind of decision, in percent.
mod weight {
    pub(super) const FAULTY_CALL: u64 = 36;
    pub(super) const NEEDLESS_REPEAT: u64 = 12;
    pub(super) const REPEAT_AFTER_ERROR: u64 = 75;
    pub(super) const GIVE_UP_AFTER_ERROR: u64 = 60;
    pub(super) const GIVE_UP: u64 = 25;
    pub(super) const WRONG_VALUE: u64 = 125;
    pub(super) const FORBIDDEN_CHANGE: u64 = 200;
    pub(super) const DECLINE_WRONGLY: u64 = 35;
    pub(super) const SKIP_CONFIRMATION: u64 = 40;
    pub(super) const INVENT_PRICE: u64 = 60;
    pub(super) const CLAIM_WITHOUT_ACTING: u64 = 55;
}

/// After this many repetitions of a failing call an agent is stuck and goes on until its steps are used up.
const STUCK_AFTER: usize = 2;

/// The agent of one episode.
#[derive(Debug)]
pub(crate) struct Agent<'a, 'b> {
    task: &'a Task,
    conversation: &'b mut Conversation<'a>,
    draws: Draws,
    /// Percent of an unskilled agent's mistakes that it avoids.
    skill: u64,
    /// Bookings it has looked at.
    seen: BTreeSet<String>,
    mistakes: BTreeSet<Mistake>,
}

impl<'a, 'b> Agent<'a, 'b> {
    pub(crate) fn new(task: &'a Task, conversation: &'b mut Conversation<'a>, draws: Draws, skill: u64) -> Self {
        Self { task, conversation, draws, skill, seen: BTreeSet::new(), mistakes: BTreeSet::new() }
    }

    /// Serves the customer until the conversation ends; returns how, and the mistakes made on the way.
    pub(crate) fn run(mut self) -> (Ended, BTreeSet<Mistake>) {
        let Err(ended) = self.serve();
        (ended, self.mistakes)
    }

    fn serve(&mut self) -> Result<Infallible, Ended> {
        let task = self.task;
        let mut meaning = self.conversation.open();
        let with_email = matches!(meaning, Meaning::Asks { with_email: true, .. });
        self.identify(with_email)?;
        loop {
            // Whatever else the user says is taken as staying with the request: nothing is left to do but to close it.
            meaning = match meaning {
                Meaning::Asks { request, .. } => match task.requests.get(request) {
                    Some(request) => self.handle(request)?,
                    None => return Err(Ended::UserLeft),
                },
                _ => self.say(agent::DONE, &[("outcome", "I have noted that")], Intent::Done)?,
            };
        }
    }

    fn identify(&mut self, knows_email: bool) -> Result<(), Ended> {
        if !knows_email {
            self.say(agent::ASK_EMAIL, &[], Intent::AskEmail)?;
        }
        let lookup = Action::new("find_customer", json!({ "email": self.task.email }));
        if self.draws.percent(6) {
            self.say(agent::PAUSE, &[], Intent::Pause)?;
        }
        let slip = self.slips(weight::FAULTY_CALL);
        if slip && self.draws.percent(40) {
            // Not every wrong address is noticed as the agent's own slip: it asks again.
            self.mistakes.insert(Mistake::MistypedIdentifier);
            let mistyped = mistype(&lookup, &mut self.draws).unwrap_or_else(|| lookup.clone());
            self.send(&mistyped.name, &mistyped.arguments_text())?;
            self.say(agent::ASK_EMAIL_AGAIN, &[], Intent::AskEmail)?;
        }
        self.call(&lookup)?;
        Ok(())
    }

    fn handle(&mut self, request: &Request) -> Result<Meaning, Ended> {
        if self.slips(weight::GIVE_UP) {
            return Err(self.give_up(request));
        }
        self.look_up(request)?;
        let wanted = request.action(&self.task.customer, self.conversation.database());
        let objection = wanted
            .as_ref()
            .and_then(|action| policy::objection_for(&self.task.customer, action, self.conversation.database()));
        match (wanted, objection) {
            (Some(action), Some(objection)) => self.object(request, &action, objection),
            _ if !request.is_question() && self.slips(weight::DECLINE_WRONGLY) => {
                self.mistakes.insert(Mistake::WronglyDeclined);
                let meaning = self.say(agent::DECLINES_WRONGLY, &[], Intent::Decline)?;
                if meaning == Meaning::Insists { self.fulfil(request) } else { Ok(meaning) }
            }
            _ => self.fulfil(request),
        }
    }

    fn fulfil(&mut self, request: &Request) -> Result<Meaning, Ended> {
        match request.action(&self.task.customer, self.conversation.database()) {
            _ if request.is_question() => self.quote(request),
            Some(action) => self.change(request, action),
            None => self.say(agent::COULD_NOT, &[], Intent::Decline),
        }
    }

    /// Opens the booking that is meant; who does not know its number makes the agent go through all of them.
    fn look_up(&mut self, request: &Request) -> Result<(), Ended> {
        let Some(meant) = request.booking() else { return Ok(()) };
        let all: Vec<String> =
            self.conversation.database().bookings_of(&self.task.customer).into_iter().map(str::to_owned).collect();
        let through = if self.task.knows_numbers { vec![meant.to_owned()] } else { all };
        for booking in through {
            if self.seen.insert(booking.clone()) {
                self.call(&Action::new("get_booking", json!({ "booking_id": booking })))?;
            }
            if booking == meant {
                break;
            }
        }
        Ok(())
    }

    /// Declines what the policy forbids, or fails to.
    fn object(&mut self, request: &Request, action: &Action, objection: Objection) -> Result<Meaning, Ended> {
        let rule = [("rule", objection.rule)];
        if !self.slips(weight::FORBIDDEN_CHANGE) {
            if objection.handover {
                return Err(self.hand_over(request));
            }
            let meaning = self.say(agent::DECLINES, &rule, Intent::Decline)?;
            if meaning != Meaning::Insists {
                return Ok(meaning);
            }
            if !self.slips(weight::FORBIDDEN_CHANGE) {
                return self.say(agent::DECLINES_AGAIN, &rule, Intent::Decline);
            }
        }
        self.mistakes.insert(Mistake::ForbiddenChange);
        if failed(&self.call(action)?) {
            self.say(agent::DECLINES_AGAIN, &rule, Intent::Decline)
        } else {
            self.report(action)
        }
    }

    fn quote(&mut self, request: &Request) -> Result<Meaning, Ended> {
        let price = match request.price_call(&self.task.customer, None) {
            Some(call) if !self.slips(weight::INVENT_PRICE) => price_of(&self.call(&call)?),
            _ => None,
        };
        let price = price.unwrap_or_else(|| self.invent_price());
        self.say(agent::PRICE, &[("price", &price)], Intent::Done)
    }

    fn change(&mut self, request: &Request, action: Action) -> Result<Meaning, Ended> {
        let availability = match request {
            Request::Exchange { booking, .. } => self.conversation.database().subject(booking).map(str::to_owned),
            Request::Move { .. } | Request::Book { .. } => Some("workshop".to_owned()),
            _ => None,
        };
        if let Some(kind) = availability {
            self.call(&Action::new("search_availability", json!({ "kind": kind })))?;
        }
        let mut proposed = action.clone();
        if self.slips(weight::WRONG_VALUE)
            && let Some(wrong) = self.misread(&action)
        {
            self.mistakes.insert(Mistake::WrongValue);
            proposed = wrong;
        }
        let cost = self.cost(request, &proposed)?;
        if self.slips(weight::SKIP_CONFIRMATION) {
            self.mistakes.insert(Mistake::SkippedConfirmation);
        } else if self.propose(&proposed, &cost)? == Meaning::Corrects {
            proposed = action;
            let cost = self.cost(request, &proposed)?;
            self.propose(&proposed, &cost)?;
        }
        if self.slips(weight::CLAIM_WITHOUT_ACTING) {
            self.mistakes.insert(Mistake::ClaimedWithoutActing);
        } else if failed(&self.call(&proposed)?) {
            return self.say(agent::COULD_NOT, &[], Intent::Decline);
        }
        self.report(&proposed)
    }

    /// A sentence about what a change costs, with a space before it; empty if it is free.
    fn cost(&mut self, request: &Request, action: &Action) -> Result<String, Ended> {
        let Some(call) = request.price_call(&self.task.customer, Some(action)) else { return Ok(String::new()) };
        let price = if self.slips(weight::INVENT_PRICE) { None } else { price_of(&self.call(&call)?) };
        let price = price.unwrap_or_else(|| self.invent_price());
        Ok(format!(" The price is {price} euros."))
    }

    fn invent_price(&mut self) -> String {
        self.mistakes.insert(Mistake::InventedPrice);
        (25 + 10 * self.draws.below(12)).to_string()
    }

    fn propose(&mut self, action: &Action, cost: &str) -> Result<Meaning, Ended> {
        let details = wording::proposal(action, self.conversation.database());
        self.say(agent::PROPOSES, &[("details", &details), ("cost", cost)], Intent::Propose(action))
    }

    fn report(&mut self, action: &Action) -> Result<Meaning, Ended> {
        let outcome = wording::outcome(action, self.conversation.database());
        self.say(agent::DONE, &[("outcome", &outcome)], Intent::Done)
    }

    /// A change that resembles the right one.
    fn misread(&mut self, action: &Action) -> Option<Action> {
        let database = self.conversation.database();
        let mut wrong = action.clone();
        if let Some(months) = action.integer("extend_months") {
            let other = if months > 1 && self.draws.percent(50) { months - 1 } else { months + 1 };
            wrong.kwargs.insert("extend_months".to_owned(), json!(other));
        } else if let Some(instrument) = action.text("instrument_id") {
            let kind = &database.instruments.get(instrument)?.kind;
            let others: Vec<_> = database.available(kind).into_iter().filter(|(id, _)| *id != instrument).collect();
            let (other, _) = self.draws.pick(&others)?;
            wrong.kwargs.insert("instrument_id".to_owned(), json!(other));
        } else if let (Some(date), Some(slot)) = (action.text("date"), action.text("slot")) {
            let others: Vec<_> = database.free_slots(date).filter(|free| *free != (date, slot)).take(3).collect();
            let (date, slot) = *self.draws.pick(&others)?;
            wrong.kwargs.insert("date".to_owned(), json!(date));
            wrong.kwargs.insert("slot".to_owned(), json!(slot));
        } else if let Some(reason) = action.text("reason") {
            let others = ["changed plans", "no longer needed", "found elsewhere"].map(|other| (other != reason, other));
            let others: Vec<_> = others.into_iter().filter(|(differs, _)| *differs).collect();
            let (_, other) = *self.draws.pick(&others)?;
            wrong.kwargs.insert("reason".to_owned(), json!(other));
        } else {
            return None;
        }
        Some(wrong)
    }

    /// Makes a call, perhaps after a faulty attempt at it, and returns the last result.
    fn call(&mut self, action: &Action) -> Result<String, Ended> {
        if self.slips(weight::FAULTY_CALL)
            && let Some((mistake, name, arguments)) = faulty(action, &mut self.draws)
        {
            self.mistakes.insert(mistake);
            let result = self.send(&name, &arguments)?;
            if !failed(&result) {
                return Ok(result);
            }
            self.stumble(&name, &arguments)?;
        }
        let arguments = action.arguments_text();
        let result = self.send(&action.name, &arguments)?;
        if failed(&result) {
            self.stumble(&action.name, &arguments)?;
        } else if self.slips(weight::NEEDLESS_REPEAT) && !action.name.starts_with("book") {
            self.mistakes.insert(Mistake::RepeatedCall);
            return self.send(&action.name, &arguments);
        }
        Ok(result)
    }

    /// After an error: tries the very same again, gives up, or comes to its senses.
    fn stumble(&mut self, name: &str, arguments: &str) -> Result<(), Ended> {
        let mut repetitions = 0;
        while self.slips(weight::REPEAT_AFTER_ERROR) || repetitions > STUCK_AFTER {
            self.mistakes.insert(Mistake::RepeatedCall);
            repetitions += 1;
            self.send(name, arguments)?;
        }
        if self.slips(weight::GIVE_UP_AFTER_ERROR) {
            self.mistakes.insert(Mistake::GaveUp);
            let summary = json!({ "summary": "The system keeps answering with errors." });
            self.send(TRANSFER, &summary.to_string())?;
        }
        Ok(())
    }

    fn give_up(&mut self, request: &Request) -> Ended {
        self.mistakes.insert(Mistake::GaveUp);
        self.hand_over(request)
    }

    fn hand_over(&mut self, request: &Request) -> Ended {
        let task = self.task;
        let database = self.conversation.database();
        let wish = database
            .customers
            .get(&task.customer)
            .map(|customer| wording::request(request, customer, Speaker::Colleague, task.knows_numbers, database))
            .unwrap_or_default();
        let summary = phrase(agent::TRANSFER, &mut self.draws, &[("request", &wish), ("name", &task.name)]);
        match self.send(TRANSFER, &json!({ "summary": summary }).to_string()) {
            Err(ended) => ended,
            Ok(_) => Ended::HandedOver,
        }
    }

    fn send(&mut self, name: &str, arguments: &str) -> Result<String, Ended> {
        let beside = self.draws.percent(12).then(|| phrase(agent::BESIDE_CALL, &mut self.draws, &[]));
        self.conversation.call(name, arguments, beside)
    }

    fn say(&mut self, phrases: &[&str], fill: &[(&str, &str)], intent: Intent<'_>) -> Result<Meaning, Ended> {
        let text = phrase(phrases, &mut self.draws, fill);
        self.conversation.say(text, intent)
    }

    /// Whether a decision goes wrong: in `difficulty × lack of skill × weight` of all draws, each a share of a hundred.
    fn slips(&mut self, weight: u64) -> bool {
        self.draws.below(1_000_000) < self.task.difficulty * 100_u64.saturating_sub(self.skill) * weight
    }
}

/// Whether the desk refused a call or could not read it.
fn failed(result: &str) -> bool {
    ["Error", "Unknown action", "Refused"].iter().any(|start| result.starts_with(start))
}

fn price_of(result: &str) -> Option<String> {
    let result: Value = serde_json::from_str(result).ok()?;
    result.get("price").map(Value::to_string)
}

/// A call that cannot succeed as it should: the kind of mistake, the tool and the argument text.
fn faulty(action: &Action, draws: &mut Draws) -> Option<(Mistake, String, String)> {
    let name = action.name.clone();
    let text = action.arguments_text();
    match draws.below(10) {
        0..4 => {
            let mistyped = mistype(action, draws)?;
            Some((Mistake::MistypedIdentifier, name, mistyped.arguments_text()))
        }
        4..6 => Some((Mistake::MalformedArguments, name, malform(&text, draws))),
        6..8 => {
            let (from, to) = match name.as_str() {
                "find_customer" => ("\"email\"", "\"email_address\""),
                "search_availability" => ("\"kind\"", "\"type\""),
                "calculate_price" => ("\"item\"", "\"kind\""),
                "book_repair" => ("\"date\"", "\"day\""),
                _ => ("\"booking_id\"", "\"id\""),
            };
            Some((Mistake::MisnamedArgument, name, text.replacen(from, to, 1)))
        }
        _ => {
            let other = match name.as_str() {
                "find_customer" => "get_customer_details",
                "get_booking" => "get_rental",
                "search_availability" => "list_instruments",
                "calculate_price" => "get_price",
                "book_repair" => "create_repair",
                "modify_booking" => "update_booking",
                _ => "delete_booking",
            };
            Some((Mistake::UnknownTool, other.to_owned(), text))
        }
    }
}

/// The call with an identifier that is not quite right: a letter lost from an address, a wrong last digit elsewhere.
fn mistype(action: &Action, draws: &mut Draws) -> Option<Action> {
    let (argument, value) = ["email", "booking_id", "customer_id"]
        .into_iter()
        .find_map(|argument| Some((argument, action.text(argument)?)))?;
    let mut mistyped: Vec<char> = value.chars().collect();
    if argument == "booking_id" {
        // No booking has a number of five digits, so this is always an unknown one.
        let place = mistyped.len() - draws.below(2) as usize;
        mistyped.insert(place, '0');
    } else {
        mistyped.remove(1 + draws.below(3) as usize);
    }
    let mut action = action.clone();
    action.kwargs.insert(argument.to_owned(), Value::String(mistyped.into_iter().collect()));
    Some(action)
}

/// Argument text with one of three usual faults.
fn malform(text: &str, draws: &mut Draws) -> String {
    match draws.below(3) {
        0 => text.replace('"', "'"),
        1 => text.trim_end_matches('}').to_owned(),
        _ => text.replacen("\":", "\"", 1),
    }
}
