//! The account's own balance: what each charge, refund and dispute put in or took out, and what Stripe kept of it.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::request::{Request, Route, route};
use crate::state::State;
use crate::wire::error::ApiError;
use crate::wire::list::{self, Listing, in_range};
use crate::wire::object::text;

const DAY: i64 = 24 * 60 * 60;
/// How long money waits until it can be paid out.
const WAITS: i64 = 2 * DAY;

/// The operations served here.
pub(crate) const ROUTES: &[Route] = &[
    route("GET /v1/balance", balance),
    route("GET /v1/balance_transactions", list),
    route("GET /v1/balance_transactions/{id}", retrieve),
];

/// One movement of the balance; amounts in minor units.
#[derive(Clone, Debug)]
pub(crate) struct Movement {
    pub(crate) id: String,
    /// Positive comes in.
    pub(crate) amount: i64,
    pub(crate) fee: i64,
    pub(crate) currency: String,
    pub(crate) created: i64,
    /// As the API names it: `charge`, `payment`, `refund`, `payment_refund`, `refund_failure` or `adjustment`.
    pub(crate) kind: &'static str,
    /// The charge, refund or dispute.
    pub(crate) source: String,
}

/// All movements, oldest first. They are kept small, for there is one for each payment.
#[derive(Debug, Default)]
pub(crate) struct Movements {
    rows: Vec<Movement>,
    places: HashMap<String, usize>,
}

impl Movements {
    pub(crate) fn add(&mut self, movement: Movement) {
        self.places.insert(movement.id.clone(), self.rows.len());
        self.rows.push(movement);
    }

    /// The movement of that id as it is answered.
    pub(crate) fn answer(&self, id: &str, now: i64) -> Result<Value, ApiError> {
        let place = self.place(id)?;
        Ok(shown(&self.rows[place], now))
    }

    fn place(&self, id: &str) -> Result<usize, ApiError> {
        self.places.get(id).copied().ok_or_else(|| ApiError::missing("balance transaction", id))
    }
}

/// `GET /v1/balance`
fn balance(state: &mut State, _request: &Request) -> Result<Value, ApiError> {
    let now = state.now();
    let mut sums: Vec<(&str, i64, i64)> = vec![(&state.account.currency, 0, 0)];
    for row in &state.movements.rows {
        let at = sums.iter().position(|(currency, ..)| *currency == row.currency).unwrap_or_else(|| {
            sums.push((&row.currency, 0, 0));
            sums.len() - 1
        });
        let net = row.amount - row.fee;
        if available_on(row) <= now { sums[at].1 += net } else { sums[at].2 += net }
    }
    let of = |pick: fn(&(&str, i64, i64)) -> i64| -> Vec<Value> {
        let row = |sum: &(&str, i64, i64)| json!({"amount": pick(sum), "currency": sum.0, "source_types": {"card": pick(sum)}});
        sums.iter().map(row).collect()
    };
    Ok(json!({"object": "balance", "available": of(|sum| sum.1), "livemode": false, "pending": of(|sum| sum.2)}))
}

/// `GET /v1/balance_transactions`
fn list(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let (params, now) = (&request.params, state.now());
    let given = |name: &str, own: &str| text(params, name).is_none_or(|wanted| wanted == own);
    let movements = &state.movements;
    let place = |id: &str| movements.place(id).map(from_newest);
    let rows = movements
        .rows
        .iter()
        .enumerate()
        .rev()
        .filter(|(_, row)| given("currency", &row.currency) && given("source", &row.source) && given("type", row.kind))
        .filter(|(_, row)| in_range(Some(row.created), params.get("created")))
        .map(|(at, row)| (from_newest(at), row));
    let listing = Listing { rows, place: &place, url: "/v1/balance_transactions" };
    list::page(listing, params, |row| shown(row, now))
}

/// `GET /v1/balance_transactions/{id}`
fn retrieve(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    state.movements.answer(request.id(0), state.now())
}

/// Keeps a movement that `source` caused; answers its id.
pub(crate) fn note(state: &mut State, movement: Movement) -> String {
    let id = state.ids.next("txn");
    state.movements.add(Movement { id: id.clone(), ..movement });
    id
}

/// What Stripe keeps of a payment: its published prices for cards and for bank debits in the United States.
pub(crate) fn fee(amount: i64, is_card: bool) -> i64 {
    let thousandths = if is_card { 29 } else { 8 };
    let share = (amount.saturating_mul(thousandths) + 500) / 1000;
    if is_card { share + 30 } else { share.min(500) }
}

fn from_newest(at: usize) -> u64 {
    u64::MAX - u64::try_from(at).unwrap_or(0)
}

fn available_on(row: &Movement) -> i64 {
    if row.amount > 0 { row.created.saturating_add(WAITS) } else { row.created }
}

fn shown(row: &Movement, now: i64) -> Value {
    let category = match row.kind {
        "charge" | "payment" => "charge",
        "refund" | "payment_refund" => "refund",
        "refund_failure" => "refund_failure",
        _ => "dispute",
    };
    let fees = json!({
        "amount": row.fee, "application": null, "currency": row.currency, "description": "Stripe processing fees",
        "type": "stripe_fee",
    });
    json!({
        "id": row.id, "object": "balance_transaction", "amount": row.amount, "available_on": available_on(row),
        "balance_type": "payments", "created": row.created, "currency": row.currency, "description": null,
        "exchange_rate": null, "fee": row.fee, "fee_details": if row.fee == 0 { json!([]) } else { json!([fees]) },
        "net": row.amount - row.fee, "reporting_category": category, "source": row.source,
        "status": if available_on(row) <= now { "available" } else { "pending" }, "type": row.kind,
    })
}
