//! How requests, changes and dates are put into words, for the user and for the agent.

use super::database::{Customer, Database};
use super::task::{Action, Preference, Request};

/// Who speaks of the customer's things: `my cello`, `your cello`, `their cello`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speaker {
    Customer,
    Instruction,
    Colleague,
}

impl Speaker {
    fn own(self) -> &'static str {
        match self {
            Self::Customer => "my",
            Self::Instruction => "your",
            Self::Colleague => "their",
        }
    }

    fn object(self) -> &'static str {
        match self {
            Self::Customer => "me",
            Self::Instruction => "you",
            Self::Colleague => "them",
        }
    }
}

/// What the simulated user is told.
pub(crate) fn instruction(customer: &Customer, knows_numbers: bool, requests: &[Request], shop: &Database) -> String {
    let wishes: Vec<String> =
        requests.iter().map(|wish| request(wish, customer, Speaker::Instruction, knows_numbers, shop)).collect();
    let numbers = if knows_numbers { "You have your booking numbers at hand." } else { "You do not know any numbers." };
    format!(
        "You are {}, a customer of Quaver & Reed, and your e-mail address is {}. You want to {}. {numbers} \
         Say one thing at a time, answer what you are asked, and make sure that what is done is what you want.",
        customer.name,
        customer.email,
        wishes.join(". After that, you want to "),
    )
}

/// A request as an infinitive without `to`: `extend my cello rental (R-1002) by 3 months`.
pub(crate) fn request(
    request: &Request,
    customer: &Customer,
    speaker: Speaker,
    with_number: bool,
    shop: &Database,
) -> String {
    let own = speaker.own();
    let whose = |id: &str| match shop.owner(id).and_then(|owner| shop.customers.get(owner)) {
        Some(owner) if owner.email != customer.email => format!("{}'s", owner.name),
        _ => own.to_owned(),
    };
    let booking = |id: &str| {
        let subject = shop.subject(id).unwrap_or("instrument");
        let noun = if shop.rentals.contains_key(id) { "rental" } else { "repair appointment" };
        let number = if with_number { format!(" ({id})") } else { String::new() };
        format!("{} {subject} {noun}{number}", whose(id))
    };
    let time = |slot: &Option<String>| slot.as_deref().unwrap_or("appointment").to_owned();
    match request {
        Request::Extend { booking: id, months } => format!("extend {} by {}", booking(id), months_text(*months)),
        Request::Exchange { booking: id, prefer } => {
            let choice = match prefer {
                Preference::Cheapest => "the cheapest",
                Preference::Finest => "the finest",
            };
            let kind = shop.subject(id).unwrap_or("instrument");
            format!("swap the instrument of {} for {choice} {kind} available", booking(id))
        }
        Request::Insure { booking: id } => format!("add insurance to {}", booking(id)),
        Request::Uninsure { booking: id } => format!("drop the insurance from {}", booking(id)),
        Request::Move { booking: id, from, slot } => {
            format!("move {} to the first free {} from {} on", booking(id), time(slot), day(from))
        }
        Request::Book { item, service, from, slot } => {
            format!("bring in {own} {item} for a {service}, the first free {} from {} on", time(slot), day(from))
        }
        Request::Cancel { booking: id, reason } => {
            let because = match reason.as_str() {
                "changed plans" => format!("{own} plans have changed"),
                "found elsewhere" => "there was a better offer elsewhere".to_owned(),
                _ => "it is no longer needed".to_owned(),
            };
            format!("cancel {}, because {because}", booking(id))
        }
        Request::PriceExtension { booking: id, months } => {
            format!("know what it would cost to extend {} by {}", booking(id), months_text(*months))
        }
        Request::PriceRepair { service } => format!("know what a {service} would cost {}", speaker.object()),
    }
}

/// What a change would do, as a gerund: `extending rental R-1002 by 3 months`.
pub(crate) fn proposal(action: &Action, database: &Database) -> String {
    let id = action.text("booking_id").unwrap_or_default();
    let subject = database.subject(id).unwrap_or("instrument");
    let when = || when(action);
    if let Some(months) = action.integer("extend_months") {
        return format!("extending the {subject} rental {id} by {}", months_text(months));
    }
    if let Some(instrument) = action.text("instrument_id") {
        let model = database.instruments.get(instrument).map_or("", |instrument| instrument.model.as_str());
        return format!("exchanging the {subject} of {id} for {instrument}, the {model}");
    }
    match (action.name.as_str(), action.boolean("insured")) {
        (_, Some(true)) => format!("adding insurance to the {subject} rental {id}"),
        (_, Some(false)) => format!("taking the insurance off the {subject} rental {id}"),
        ("cancel_booking", _) => {
            format!("cancelling {id} ({subject}), reason: {}", action.text("reason").unwrap_or_default())
        }
        ("book_repair", _) => {
            let argument = |name| action.text(name).unwrap_or_default();
            format!("booking a {} for your {} {}", argument("service"), argument("item"), when())
        }
        _ => format!("moving {id} ({subject}) to {}", when().trim_start_matches("on ")),
    }
}

/// What a change has done, as a sentence without its stop: `rental R-1002 now runs 3 months longer`.
pub(crate) fn outcome(action: &Action, database: &Database) -> String {
    let id = action.text("booking_id").unwrap_or_default();
    if let Some(months) = action.integer("extend_months") {
        return format!("rental {id} now runs {} longer", months_text(months));
    }
    if let Some(instrument) = action.text("instrument_id") {
        let model = database.instruments.get(instrument).map_or("instrument", |instrument| instrument.model.as_str());
        return format!("rental {id} is now for {instrument}, the {model}");
    }
    match (action.name.as_str(), action.boolean("insured")) {
        (_, Some(true)) => format!("rental {id} is insured from today"),
        (_, Some(false)) => format!("rental {id} is no longer insured"),
        ("cancel_booking", _) => format!("{id} is cancelled"),
        ("book_repair", _) => {
            let argument = |name| action.text(name).unwrap_or_default();
            format!("the {} of your {} is booked {}", argument("service"), argument("item"), when(action))
        }
        _ => format!("{id} is now {}", when(action)),
    }
}

fn when(action: &Action) -> String {
    let argument = |name| action.text(name).unwrap_or_default();
    format!("on {} in the {}", day(argument("date")), argument("slot"))
}

/// `2026-03-05` as `5 March`; every date that is spoken of lies in March.
fn day(date: &str) -> String {
    let number = date.rsplit('-').next().unwrap_or_default();
    format!("{} March", number.trim_start_matches('0'))
}

fn months_text(months: i64) -> String {
    if months == 1 { "1 month".to_owned() } else { format!("{months} months") }
}
