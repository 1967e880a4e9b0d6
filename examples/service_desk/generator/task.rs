//! The fifty tasks: who calls, what they want, and from that the gold actions and the database after them.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Result;
use super::database::Database;
use super::policy;
use super::schema::Arguments;
use super::tools::Desk;
use super::wording;

/// A call of a tool with its named arguments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Action {
    pub(crate) name: String,
    pub(crate) kwargs: Arguments,
}

impl Action {
    /// `arguments` is a JSON object.
    pub(crate) fn new(name: &str, arguments: Value) -> Self {
        let kwargs = match arguments {
            Value::Object(kwargs) => kwargs,
            _ => Arguments::new(),
        };
        Self { name: name.to_owned(), kwargs }
    }

    pub(crate) fn text(&self, argument: &str) -> Option<&str> {
        self.kwargs.get(argument).and_then(Value::as_str)
    }

    pub(crate) fn integer(&self, argument: &str) -> Option<i64> {
        self.kwargs.get(argument).and_then(Value::as_i64)
    }

    pub(crate) fn boolean(&self, argument: &str) -> Option<bool> {
        self.kwargs.get(argument).and_then(Value::as_bool)
    }

    /// The arguments as a model writes them.
    pub(crate) fn arguments_text(&self) -> String {
        Value::Object(self.kwargs.clone()).to_string()
    }
}

/// Which of the available instruments a customer prefers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Preference {
    Cheapest,
    Finest,
}

/// One thing a customer wants, allowed or not.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Request {
    Extend { booking: String, months: i64 },
    Exchange { booking: String, prefer: Preference },
    Insure { booking: String },
    Uninsure { booking: String },
    Move { booking: String, from: String, slot: Option<String> },
    Book { item: String, service: String, from: String, slot: Option<String> },
    Cancel { booking: String, reason: String },
    PriceExtension { booking: String, months: i64 },
    PriceRepair { service: String },
}

impl Request {
    /// The booking that it is about, if it is about one.
    pub(crate) fn booking(&self) -> Option<&str> {
        match self {
            Self::Extend { booking, .. }
            | Self::Exchange { booking, .. }
            | Self::Insure { booking }
            | Self::Uninsure { booking }
            | Self::Move { booking, .. }
            | Self::Cancel { booking, .. }
            | Self::PriceExtension { booking, .. } => Some(booking),
            Self::Book { .. } | Self::PriceRepair { .. } => None,
        }
    }

    /// The change that fulfils it, whether or not the policy allows it; `None` for a question, or if nothing is free.
    pub(crate) fn action(&self, customer: &str, database: &Database) -> Option<Action> {
        let slot_from = |from: &str, wanted: &Option<String>| {
            let mut free = database.free_slots(from);
            free.find(|(_, slot)| wanted.as_ref().is_none_or(|wanted| wanted == slot))
        };
        let modify = |arguments| Some(Action::new("modify_booking", arguments));
        match self {
            Self::Extend { booking, months } => modify(json!({ "booking_id": booking, "extend_months": months })),
            Self::Exchange { booking, prefer } => {
                let available = database.available(database.subject(booking)?);
                let (instrument, _) = match prefer {
                    Preference::Cheapest => available.first(),
                    Preference::Finest => available.last(),
                }?;
                modify(json!({ "booking_id": booking, "instrument_id": instrument }))
            }
            Self::Insure { booking } => modify(json!({ "booking_id": booking, "insured": true })),
            Self::Uninsure { booking } => modify(json!({ "booking_id": booking, "insured": false })),
            Self::Move { booking, from, slot } => {
                let (date, slot) = slot_from(from, slot)?;
                modify(json!({ "booking_id": booking, "date": date, "slot": slot }))
            }
            Self::Book { item, service, from, slot } => {
                let (date, slot) = slot_from(from, slot)?;
                let arguments =
                    json!({ "customer_id": customer, "item": item, "service": service, "date": date, "slot": slot });
                Some(Action::new("book_repair", arguments))
            }
            Self::Cancel { booking, reason } => {
                Some(Action::new("cancel_booking", json!({ "booking_id": booking, "reason": reason })))
            }
            Self::PriceExtension { .. } | Self::PriceRepair { .. } => None,
        }
    }

    /// The call that says what it costs, if it costs anything. `action` is the change meant.
    pub(crate) fn price_call(&self, customer: &str, action: Option<&Action>) -> Option<Action> {
        let arguments = match self {
            Self::Extend { booking, months } => {
                let months = action.and_then(|action| action.integer("extend_months")).unwrap_or(*months);
                json!({ "item": "extension", "booking_id": booking, "months": months })
            }
            Self::PriceExtension { booking, months } => {
                json!({ "item": "extension", "booking_id": booking, "months": months })
            }
            Self::Exchange { booking, .. } => {
                let instrument = action?.text("instrument_id")?;
                json!({ "item": "exchange", "booking_id": booking, "instrument_id": instrument })
            }
            Self::Insure { booking } => json!({ "item": "insurance", "booking_id": booking }),
            Self::Book { service, .. } | Self::PriceRepair { service } => {
                json!({ "item": "repair", "customer_id": customer, "service": service })
            }
            Self::Uninsure { .. } | Self::Move { .. } | Self::Cancel { .. } => return None,
        };
        Some(Action::new("calculate_price", arguments))
    }

    /// Whether it only asks for a price.
    pub(crate) fn is_question(&self) -> bool {
        matches!(self, Self::PriceExtension { .. } | Self::PriceRepair { .. })
    }
}

/// A task as `tasks.yaml` gives it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Sketch {
    customer: String,
    /// How often an agent without any skill would err at a decision, in percent.
    difficulty: u64,
    /// Whether the customer has the booking numbers at hand.
    #[serde(default)]
    knows_numbers: bool,
    requests: Vec<Request>,
}

/// A task with what follows from it.
#[derive(Clone, Debug)]
pub(crate) struct Task {
    pub(crate) customer: String,
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) difficulty: u64,
    pub(crate) knows_numbers: bool,
    pub(crate) requests: Vec<Request>,
    /// What the simulated user was told.
    pub(crate) instruction: String,
    /// The change that each request leads to, in order; `None` where nothing is to be changed.
    pub(crate) expected: Vec<Option<Action>>,
    /// What the user must be told.
    pub(crate) outputs: Vec<String>,
    /// The database when all is done.
    pub(crate) gold: Database,
}

impl Task {
    /// All tasks, in order.
    pub(crate) fn load(shop: &Database) -> Result<Vec<Self>> {
        let sketches: Vec<Sketch> = serde_yaml::from_str(include_str!("tasks.yaml"))?;
        sketches.into_iter().map(|sketch| Self::new(sketch, shop)).collect()
    }

    fn new(sketch: Sketch, shop: &Database) -> Result<Self> {
        let Sketch { customer, difficulty, knows_numbers, requests } = sketch;
        let known = shop.customers.get(&customer).ok_or_else(|| format!("no customer `{customer}`"))?;
        let mut desk = Desk::new(shop.clone())?;
        let mut expected = Vec::new();
        let mut outputs = Vec::new();
        for request in &requests {
            let wanted = request.action(&customer, desk.database());
            let allowed = wanted.filter(|action| policy::objection_for(&customer, action, desk.database()).is_none());
            let call = if request.is_question() { request.price_call(&customer, None) } else { allowed.clone() };
            if let Some(call) = call {
                let answer: Value = serde_json::from_str(&desk.call(&call.name, &call.arguments_text()))
                    .map_err(|_| format!("the desk refuses the gold action {call:?}"))?;
                if request.is_question() {
                    outputs.push(answer["price"].to_string());
                }
            }
            expected.push(allowed);
        }
        Ok(Self {
            instruction: wording::instruction(known, knows_numbers, &requests, shop),
            name: known.name.clone(),
            email: known.email.clone(),
            customer,
            difficulty,
            knows_numbers,
            requests,
            expected,
            outputs,
            gold: desk.database().clone(),
        })
    }

    /// The gold actions, in order.
    pub(crate) fn actions(&self) -> Vec<Action> {
        self.expected.iter().flatten().cloned().collect()
    }
}
