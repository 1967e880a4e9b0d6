//! The policy text's rules in code: which changes are against them, and which of those the desk itself refuses.

use super::database::{Database, Rental, RentalStatus, Repair, RepairStatus};
use super::task::Action;

/// The policy as the agent reads it.
pub(crate) const TEXT: &str = include_str!("policy.md");

/// Repairs up to this date (tomorrow) stay as they are.
const LAST_FIXED_REPAIR: &str = "2026-03-03";
/// Reserved rentals that start by this date (in three days) stay as they are.
const LAST_FIXED_RENTAL: &str = "2026-03-05";
/// Most months that one extension may add.
const LONGEST_EXTENSION: i64 = 6;

/// Why a change may not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Objection {
    /// The rule, as a clause.
    pub(crate) rule: &'static str,
    /// Whether the desk refuses the call; else the agent alone has to know.
    pub(crate) by_desk: bool,
    /// Whether the policy asks to hand over to a colleague.
    pub(crate) handover: bool,
}

impl Objection {
    const fn by_desk(rule: &'static str) -> Self {
        Self { rule, by_desk: true, handover: false }
    }

    const fn by_agent(rule: &'static str) -> Self {
        Self { rule, by_desk: false, handover: false }
    }
}

/// What speaks against a change that a customer asks for.
pub(crate) fn objection_for(customer: &str, action: &Action, database: &Database) -> Option<Objection> {
    let owner = action.text("booking_id").and_then(|booking| database.owner(booking));
    if owner.is_some_and(|owner| owner != customer) {
        return Some(Objection::by_agent("we can only help with bookings in your own name"));
    }
    objection(action, database)
}

/// What speaks against a change, whoever asks.
pub(crate) fn objection(action: &Action, database: &Database) -> Option<Objection> {
    let booking = action.text("booking_id")?;
    let rental = database.rentals.get(booking);
    let repair = database.repairs.get(booking);
    match (action.name.as_str(), rental, repair) {
        ("cancel_booking", Some(rental), _) => rental_cancellation(rental),
        ("modify_booking", Some(rental), _) => rental_change(rental, action, database),
        ("cancel_booking" | "modify_booking", None, Some(repair)) => repair_change(repair),
        _ => None,
    }
}

fn rental_cancellation(rental: &Rental) -> Option<Objection> {
    if rental.status != RentalStatus::Reserved {
        return Some(Objection::by_desk("only a rental that has not been picked up yet can be cancelled"));
    }
    (rental.start.as_str() <= LAST_FIXED_RENTAL)
        .then_some(Objection::by_agent("a rental that starts within three days can no longer be cancelled"))
}

fn rental_change(rental: &Rental, action: &Action, database: &Database) -> Option<Objection> {
    if let Some(months) = action.integer("extend_months") {
        match rental.status {
            RentalStatus::Overdue => {
                let overdue = Objection::by_desk("an overdue rental cannot be extended");
                return Some(Objection { handover: true, ..overdue });
            }
            RentalStatus::Active if (1..=LONGEST_EXTENSION).contains(&months) => {}
            RentalStatus::Active => {
                return Some(Objection::by_desk("a rental can be extended by 1 to 6 months at a time"));
            }
            _ => return Some(Objection::by_desk("only an active rental can be extended")),
        }
    }
    if let Some(instrument) = action.text("instrument_id") {
        let kind = |id: &str| database.instruments.get(id).map(|instrument| instrument.kind.as_str());
        if kind(instrument).is_some() && kind(instrument) != kind(&rental.instrument) {
            return Some(Objection::by_desk("an instrument can only be exchanged for one of the same kind"));
        }
        if !matches!(rental.status, RentalStatus::Active | RentalStatus::Reserved) {
            return Some(Objection::by_desk("only an active or reserved rental can have its instrument exchanged"));
        }
    }
    (action.boolean("insured") == Some(false) && rental.insured)
        .then_some(Objection::by_agent("insurance stays until the instrument is back in the shop"))
}

fn repair_change(repair: &Repair) -> Option<Objection> {
    match repair.status {
        RepairStatus::Booked if repair.date.as_str() <= LAST_FIXED_REPAIR => {
            Some(Objection::by_agent("a repair that is due today or tomorrow can no longer be changed"))
        }
        RepairStatus::Booked => None,
        RepairStatus::InProgress => Some(Objection::by_desk("a repair in progress cannot be changed")),
        RepairStatus::Ready | RepairStatus::Cancelled => {
            Some(Objection::by_desk("a repair that is finished cannot be changed"))
        }
    }
}
