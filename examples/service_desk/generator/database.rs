//! The shop's database: what it holds and how it is looked up. What may be changed is for `tools` and `policy`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Result;

/// Everything the desk knows; two of them are equal if no change sets them apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Database {
    pub(crate) customers: BTreeMap<String, Customer>,
    pub(crate) instruments: BTreeMap<String, Instrument>,
    pub(crate) rentals: BTreeMap<String, Rental>,
    pub(crate) repairs: BTreeMap<String, Repair>,
    /// Free slots by date.
    pub(crate) workshop: BTreeMap<String, Vec<String>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Customer {
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) membership: Membership,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Membership {
    Standard,
    Plus,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Instrument {
    pub(crate) kind: String,
    pub(crate) model: String,
    pub(crate) monthly_fee: i64,
    pub(crate) available: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rental {
    pub(crate) customer: String,
    pub(crate) instrument: String,
    pub(crate) status: RentalStatus,
    pub(crate) start: String,
    pub(crate) months: i64,
    pub(crate) insured: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RentalStatus {
    Reserved,
    Active,
    Overdue,
    Cancelled,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Repair {
    pub(crate) customer: String,
    pub(crate) item: String,
    pub(crate) service: String,
    pub(crate) status: RepairStatus,
    pub(crate) date: String,
    pub(crate) slot: String,
    pub(crate) price: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RepairStatus {
    Booked,
    #[serde(rename = "in progress")]
    InProgress,
    Ready,
    Cancelled,
}

impl Database {
    /// The shop as every episode finds it.
    pub(crate) fn shop() -> Result<Self> {
        Ok(serde_yaml::from_str(include_str!("shop.yaml"))?)
    }

    /// The customer with an e-mail address, whatever its case.
    pub(crate) fn customer_by_email(&self, email: &str) -> Option<(&String, &Customer)> {
        self.customers.iter().find(|(_, customer)| customer.email.eq_ignore_ascii_case(email))
    }

    /// The numbers of a customer's rentals, then repairs.
    pub(crate) fn bookings_of(&self, customer: &str) -> Vec<&str> {
        let rentals = self.rentals.iter().filter(|(_, rental)| rental.customer == customer).map(|(id, _)| id.as_str());
        let repairs = self.repairs.iter().filter(|(_, repair)| repair.customer == customer).map(|(id, _)| id.as_str());
        rentals.chain(repairs).collect()
    }

    /// Whose booking it is.
    pub(crate) fn owner(&self, booking: &str) -> Option<&str> {
        let rental = self.rentals.get(booking).map(|rental| rental.customer.as_str());
        rental.or_else(|| self.repairs.get(booking).map(|repair| repair.customer.as_str()))
    }

    /// What a booking is about, in a word or two: `cello`, `violin bow`.
    pub(crate) fn subject(&self, booking: &str) -> Option<&str> {
        let rented = self.rentals.get(booking).and_then(|rental| self.instruments.get(&rental.instrument));
        rented
            .map(|instrument| instrument.kind.as_str())
            .or_else(|| self.repairs.get(booking).map(|repair| repair.item.as_str()))
    }

    /// The available instruments of a kind, cheapest first.
    pub(crate) fn available(&self, kind: &str) -> Vec<(&String, &Instrument)> {
        let matches = |instrument: &Instrument| instrument.available && instrument.kind == kind;
        let mut found: Vec<_> = self.instruments.iter().filter(|(_, instrument)| matches(instrument)).collect();
        found.sort_by_key(|(_, instrument)| instrument.monthly_fee);
        found
    }

    /// The free appointments from a date on, in order, as date and slot.
    pub(crate) fn free_slots<'a>(&'a self, from: &str) -> impl Iterator<Item = (&'a str, &'a str)> {
        let days = self.workshop.range(from.to_owned()..);
        days.flat_map(|(date, slots)| slots.iter().map(move |slot| (date.as_str(), slot.as_str())))
    }
}
