//! The desk's eight tools: JSON text or a line that says what is wrong, never a failure of the program.

use serde_json::{Value, json};

use super::Result;
use super::database::{Database, Membership, RentalStatus, Repair, RepairStatus};
use super::policy;
use super::schema::{Arguments, ToolSchemas};
use super::task::Action;

/// The tool after which an episode is over.
pub(crate) const TRANSFER: &str = "transfer_to_human";

const INSURANCE_PER_MONTH: i64 = 4;
const EXCHANGE_HANDLING: i64 = 15;

/// The database with its tools in front.
#[derive(Clone, Debug)]
pub(crate) struct Desk {
    database: Database,
    schemas: ToolSchemas,
}

type Answer = std::result::Result<Value, String>;

impl Desk {
    pub(crate) fn new(database: Database) -> Result<Self> {
        Ok(Self { database, schemas: ToolSchemas::load()? })
    }

    pub(crate) fn database(&self) -> &Database {
        &self.database
    }

    /// Carries out a call as the agent wrote it and returns the tool's text.
    pub(crate) fn call(&mut self, tool: &str, arguments: &str) -> String {
        let answer = self.schemas.check(tool, arguments).and_then(|kwargs| {
            let action = Action { name: tool.to_owned(), kwargs };
            self.perform(&action)
        });
        match answer {
            Ok(Value::String(text)) | Err(text) => text,
            Ok(value) => value.to_string(),
        }
    }

    fn perform(&mut self, action: &Action) -> Answer {
        if let Some(objection) = policy::objection(action, &self.database).filter(|objection| objection.by_desk) {
            let is_rental = action.text("booking_id").is_some_and(|id| self.database.rentals.contains_key(id));
            let refusal = if is_rental { "Error: not permitted by policy" } else { "Refused, not allowed" };
            return Err(format!("{refusal}: {}", objection.rule));
        }
        let text = |name| action.text(name).unwrap_or_default();
        match action.name.as_str() {
            "find_customer" => self.find_customer(text("email")),
            "get_booking" => self.booking(text("booking_id")),
            "search_availability" => Ok(self.search_availability(text("kind"))),
            "calculate_price" => self.calculate_price(action),
            "book_repair" => self.book_repair(action),
            "modify_booking" => self.modify_booking(text("booking_id"), &action.kwargs),
            "cancel_booking" => self.cancel_booking(text("booking_id"), text("reason")),
            _ => Ok(json!("Handed over to a colleague.")),
        }
    }

    fn find_customer(&self, email: &str) -> Answer {
        let (id, customer) = self
            .database
            .customer_by_email(email)
            .ok_or_else(|| format!("Error: no customer has the e-mail address {email}"))?;
        let bookings = self.database.bookings_of(id);
        Ok(json!({
            "customer_id": id, "name": customer.name, "membership": customer.membership, "bookings": bookings,
        }))
    }

    fn booking(&self, id: &str) -> Answer {
        if let Some(rental) = self.database.rentals.get(id) {
            let instrument = self.database.instruments.get(&rental.instrument);
            let mut shown = json!({
                "booking_id": id, "type": "rental", "customer_id": rental.customer, "status": rental.status,
                "instrument_id": rental.instrument,
                "kind": instrument.map(|instrument| &instrument.kind),
                "model": instrument.map(|instrument| &instrument.model),
                "monthly_fee": instrument.map(|instrument| instrument.monthly_fee),
                "start": rental.start, "months": rental.months, "insured": rental.insured,
            });
            if let Some(reason) = &rental.reason {
                shown["reason"] = json!(reason);
            }
            return Ok(shown);
        }
        let repair = self.database.repairs.get(id).ok_or_else(|| format!("Error: booking {id} not found"))?;
        let mut shown = json!({
            "booking_id": id, "type": "repair", "customer_id": repair.customer, "status": repair.status,
            "item": repair.item, "service": repair.service, "date": repair.date, "slot": repair.slot,
            "price": repair.price,
        });
        if let Some(reason) = &repair.reason {
            shown["reason"] = json!(reason);
        }
        Ok(shown)
    }

    fn search_availability(&self, kind: &str) -> Value {
        if kind == "workshop" {
            return json!({ "free": self.database.workshop });
        }
        let found = self.database.available(kind).into_iter().map(|(id, instrument)| {
            json!({ "instrument_id": id, "model": instrument.model, "monthly_fee": instrument.monthly_fee })
        });
        Value::Array(found.collect())
    }

    fn calculate_price(&self, action: &Action) -> Answer {
        let item = action.text("item").unwrap_or_default();
        let needed =
            |name| action.text(name).ok_or_else(|| format!("Error: missing required argument '{name}' for {item}"));
        if item == "repair" {
            let price = self.repair_price(needed("customer_id")?, needed("service")?)?;
            return Ok(json!({ "item": item, "price": price, "currency": "EUR" }));
        }
        let id = needed("booking_id")?;
        let rental = self.database.rentals.get(id).ok_or_else(|| format!("Error: rental {id} not found"))?;
        let monthly_fee = |id: &str| {
            let instrument =
                self.database.instruments.get(id).ok_or_else(|| format!("Error: instrument {id} not found"));
            instrument.map(|instrument| instrument.monthly_fee)
        };
        match item {
            "extension" => {
                let months =
                    action.integer("months").ok_or("Error: missing required argument 'months' for extension")?;
                let insurance = if rental.insured { INSURANCE_PER_MONTH } else { 0 };
                let price = months * (monthly_fee(&rental.instrument)? + insurance);
                Ok(json!({ "item": item, "months": months, "price": price, "currency": "EUR" }))
            }
            "exchange" => {
                let monthly_fee = monthly_fee(needed("instrument_id")?)?;
                Ok(json!({ "item": item, "price": EXCHANGE_HANDLING, "monthly_fee": monthly_fee, "currency": "EUR" }))
            }
            _ => Ok(json!({ "item": item, "price": INSURANCE_PER_MONTH, "per": "month", "currency": "EUR" })),
        }
    }

    fn repair_price(&self, customer: &str, service: &str) -> std::result::Result<i64, String> {
        let known = self.database.customers.get(customer);
        let membership = known.ok_or_else(|| format!("Error: customer {customer} not found"))?.membership;
        let price = match service {
            "cleaning" => 40,
            "rehair" => 50,
            "setup" => 60,
            "pad replacement" => 120,
            "valve overhaul" => 150,
            "crack repair" => 180,
            _ => return Err(format!("Error: there is no service '{service}'")),
        };
        // Every list price is a multiple of ten, so a tenth off is a whole number.
        Ok(if membership == Membership::Plus { price / 10 * 9 } else { price })
    }

    fn book_repair(&mut self, action: &Action) -> Answer {
        let text = |name| action.text(name).unwrap_or_default().to_owned();
        let repair = Repair {
            price: self.repair_price(&text("customer_id"), &text("service"))?,
            customer: text("customer_id"),
            item: text("item"),
            service: text("service"),
            status: RepairStatus::Booked,
            date: text("date"),
            slot: text("slot"),
            reason: None,
        };
        self.take_slot(&repair.date, &repair.slot)?;
        // The shop's repairs are numbered from W-2001 without gaps.
        let id = format!("W-{}", 2001 + self.database.repairs.len());
        self.database.repairs.insert(id.clone(), repair);
        self.booking(&id)
    }

    fn modify_booking(&mut self, id: &str, changes: &Arguments) -> Answer {
        let action = Action { name: String::new(), kwargs: changes.clone() };
        if changes.len() < 2 {
            return Err("Error: nothing to change: name at least one change beside the booking".to_owned());
        }
        if self.database.rentals.contains_key(id) {
            self.modify_rental(id, &action)?;
        } else if let Some(repair) = self.database.repairs.get(id).cloned() {
            let (Some(date), Some(slot)) = (action.text("date"), action.text("slot")) else {
                return Err("Error: missing required argument 'date' or 'slot' for a repair".to_owned());
            };
            self.take_slot(date, slot)?;
            self.free_slot(&repair.date, &repair.slot);
            let moved = Repair { date: date.to_owned(), slot: slot.to_owned(), ..repair };
            self.database.repairs.insert(id.to_owned(), moved);
        }
        self.booking(id)
    }

    fn modify_rental(&mut self, id: &str, action: &Action) -> std::result::Result<(), String> {
        if let Some(name) = ["date", "slot"].into_iter().find(|name| action.kwargs.contains_key(*name)) {
            return Err(format!("Error: unexpected argument '{name}' for a rental"));
        }
        let Some(mut rental) = self.database.rentals.get(id).cloned() else { return Ok(()) };
        if let Some(new) = action.text("instrument_id") {
            match self.database.instruments.get_mut(new) {
                None => return Err(format!("Error: instrument {new} not found")),
                Some(instrument) if !instrument.available => {
                    return Err(format!("Error: instrument {new} is not available"));
                }
                Some(instrument) => instrument.available = false,
            }
            self.give_back(&rental.instrument);
            rental.instrument = new.to_owned();
        }
        rental.months += action.integer("extend_months").unwrap_or(0);
        rental.insured = action.boolean("insured").unwrap_or(rental.insured);
        self.database.rentals.insert(id.to_owned(), rental);
        Ok(())
    }

    fn cancel_booking(&mut self, id: &str, reason: &str) -> Answer {
        if let Some(rental) = self.database.rentals.get_mut(id) {
            rental.status = RentalStatus::Cancelled;
            rental.reason = Some(reason.to_owned());
            let instrument = rental.instrument.clone();
            self.give_back(&instrument);
        } else if let Some(repair) = self.database.repairs.get_mut(id) {
            repair.status = RepairStatus::Cancelled;
            repair.reason = Some(reason.to_owned());
            let (date, slot) = (repair.date.clone(), repair.slot.clone());
            self.free_slot(&date, &slot);
        }
        self.booking(id)
    }

    fn give_back(&mut self, instrument: &str) {
        if let Some(instrument) = self.database.instruments.get_mut(instrument) {
            instrument.available = true;
        }
    }

    fn take_slot(&mut self, date: &str, slot: &str) -> std::result::Result<(), String> {
        let slots = self.database.workshop.get_mut(date);
        let free = slots.and_then(|slots| slots.iter().position(|free| free == slot).map(|place| slots.remove(place)));
        free.map(drop).ok_or_else(|| format!("Error: the workshop is not free on {date} in the {slot}"))
    }

    fn free_slot(&mut self, date: &str, slot: &str) {
        let slots = self.database.workshop.entry(date.to_owned()).or_default();
        slots.push(slot.to_owned());
        // `morning` before `afternoon`.
        slots.sort_by(|one, other| other.cmp(one));
    }
}
