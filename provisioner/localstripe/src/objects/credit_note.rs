//! Credit notes: they take something off an invoice that is final. What is still due becomes less; of what was paid, some
//! goes back to the balance, to the card, or outside Stripe.

mod draft;
mod line;

use serde_json::{Value, json};

use crate::events::catalogue::{self, EventType};
use crate::objects::balance::{self, Change};
use crate::objects::invoice::settled::{self, Paid};
use crate::objects::invoice::{notice, view};
use crate::objects::metadata;
use crate::objects::payment::{invoice_payment, refund};
use crate::request::{Request, Route, route};
use crate::state::State;
use crate::wire::error::ApiError;
use crate::wire::list::{self, Listing, in_range, same};
use crate::wire::object::{Object, assign, integer, set, text};

use draft::Draft;

/// The operations served here; what has a fixed name goes before what has an id in its place.
pub(crate) const ROUTES: &[Route] = &[
    route("POST /v1/credit_notes", create),
    route("GET /v1/credit_notes", list),
    route("GET /v1/credit_notes/preview", preview),
    route("GET /v1/credit_notes/preview/lines", preview_lines),
    route("GET /v1/credit_notes/{credit_note}/lines", lines),
    route("GET /v1/credit_notes/{id}", retrieve),
    route("POST /v1/credit_notes/{id}", update),
    route("POST /v1/credit_notes/{id}/void", void),
];

/// `POST /v1/credit_notes`
fn create(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let draft = draft::of(state, request)?;
    let charge = refundable(state, &draft)?;
    let id = text(&draft.note, "id").unwrap_or_default().to_owned();
    state.credit_notes.insert(&id, draft.note.clone());
    state.credit_note_lines.insert(id.clone(), draft.lines.clone());
    let before = view::answer(state, &draft.invoice)?;
    give_back(state, &id, &draft, charge)?;
    tell(state, &id, catalogue::CREDIT_NOTE_CREATED)?;
    reduce(state, &draft, &before)?;
    answer(state, &id)
}

/// `GET /v1/credit_notes/preview`: what would be issued, without any effect.
fn preview(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let draft = draft::of(state, request)?;
    refundable(state, &draft)?;
    Ok(draft::shown(&draft.note, &draft.lines))
}

/// `GET /v1/credit_notes/preview/lines`
fn preview_lines(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let draft = draft::of(state, request)?;
    page(&draft.lines, request, "/v1/credit_notes/preview/lines")
}

/// `GET /v1/credit_notes`
fn list(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let params = &request.params;
    state.known_customer(params)?;
    let rows = state
        .credit_notes
        .newest_first()
        .filter(|note| ["customer", "invoice"].iter().all(|name| same(note, params, name)))
        .filter(|note| in_range(integer(note, "created"), params.get("created")));
    request.newest_first(&state.credit_notes, rows, "/v1/credit_notes", |note| shown(state, note))
}

/// `GET /v1/credit_notes/{id}`
fn retrieve(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    answer(state, request.id(0))
}

/// `GET /v1/credit_notes/{credit_note}/lines`
fn lines(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let id = request.id(0);
    state.credit_notes.find(id)?;
    let lines = state.credit_note_lines.get(id).cloned().unwrap_or_default();
    page(&lines, request, &format!("/v1/credit_notes/{id}/lines"))
}

/// `POST /v1/credit_notes/{id}`: memo and metadata only.
fn update(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let (id, params) = (request.id(0), &request.params);
    let before = answer(state, id)?;
    let note = state.credit_notes.find_mut(id)?;
    let metadata = metadata::merged(note.get("metadata"), params, "metadata")?;
    set(note, "metadata", metadata);
    assign(note, params, &["memo"]);
    let after = answer(state, id)?;
    state.emit_update(catalogue::CREDIT_NOTE_UPDATED, &before, &after);
    Ok(after)
}

/// `POST /v1/credit_notes/{id}/void`: only while its invoice is open, which then asks for the whole amount again.
fn void(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let id = request.id(0);
    let note = state.credit_notes.find(id)?.clone();
    let invoice = text(&note, "invoice").unwrap_or_default().to_owned();
    let is_open = text(state.invoices.find(&invoice)?, "status") == Some("open");
    if text(&note, "status") != Some("issued") || !is_open {
        let message = "You can only void a credit note that is issued, and only while its invoice is open.";
        return Err(ApiError::invalid(message));
    }
    let before = view::answer(state, &invoice)?;
    let now = settled::now_of(state, &invoice);
    let kept = state.credit_notes.find_mut(id)?;
    set(kept, "status", "void");
    set(kept, "voided_at", now);
    tell(state, id, catalogue::CREDIT_NOTE_VOIDED)?;
    take_back(state, &note)?;
    let part = |name: &str| integer(&note, name).unwrap_or(0);
    credited(state, &invoice, -part("pre_payment_amount"), -part("post_payment_amount"))?;
    notice::updated(state, &invoice, &before)?;
    answer(state, id)
}

/// The note of that id, as it is answered.
pub(crate) fn answer(state: &State, id: &str) -> Result<Value, ApiError> {
    Ok(shown(state, state.credit_notes.find(id)?))
}

/// The note as it is answered.
pub(crate) fn shown(state: &State, note: &Object) -> Value {
    let lines = text(note, "id").and_then(|id| state.credit_note_lines.get(id));
    draft::shown(note, lines.map_or(&[], Vec::as_slice))
}

fn page(lines: &[Object], request: &Request, url: &str) -> Result<Value, ApiError> {
    let place = |id: &str| {
        let at = lines.iter().position(|line| text(line, "id") == Some(id));
        at.and_then(|at| u64::try_from(at).ok()).ok_or_else(|| ApiError::missing("credit note line item", id))
    };
    let rows = (0_u64..).zip(lines);
    list::page(Listing { rows, place: &place, url }, &request.params, |line| Value::Object(line.clone()))
}

fn tell(state: &mut State, id: &str, kind: EventType) -> Result<(), ApiError> {
    let shown = answer(state, id)?;
    state.emit(kind, &shown);
    Ok(())
}

/// The charge that what is refunded goes back to; none when nothing is refunded.
fn refundable(state: &State, draft: &Draft) -> Result<Option<String>, ApiError> {
    if draft.to_refund == 0 {
        return Ok(None);
    }
    let intent = invoice_payment::intent_of(state, &draft.invoice);
    let intent = intent.and_then(|intent| state.payment_intents.find(&intent).ok());
    let charge = intent.filter(|intent| text(intent, "status") == Some("succeeded"));
    let charge = charge.and_then(|intent| text(intent, "latest_charge")).and_then(|id| state.charges.find(id).ok());
    match charge {
        Some(charge) if refund::left(charge) >= draft.to_refund && charge["disputed"] == false => {
            Ok(text(charge, "id").map(str::to_owned))
        }
        _ => {
            let left = charge.map_or(0, refund::left);
            let message = format!(
                "The refund amount ({}) is more than can be refunded of the invoice ({left}).",
                draft.to_refund
            );
            Err(ApiError::invalid(message).with_param("refund_amount"))
        }
    }
}

/// Gives back what was paid: to the balance and to the card.
fn give_back(state: &mut State, id: &str, draft: &Draft, charge: Option<String>) -> Result<(), ApiError> {
    if draft.to_balance > 0 {
        let transaction = balance::changed(state, &change_of(&draft.note, -draft.to_balance))?;
        set(state.credit_notes.find_mut(id)?, "customer_balance_transaction", transaction);
    }
    if let Some(charge) = charge {
        let refund = refund::give_back(state, &charge, draft.to_refund)?;
        let refunds = json!([{
            "amount_refunded": draft.to_refund, "payment_record_refund": null, "refund": refund, "type": "refund",
        }]);
        set(state.credit_notes.find_mut(id)?, "refunds", refunds);
    }
    Ok(())
}

/// A voided note takes back what it gave to the balance.
fn take_back(state: &mut State, note: &Object) -> Result<(), ApiError> {
    let given = text(note, "customer_balance_transaction").and_then(|id| state.balance_transactions.find(id).ok());
    match given.and_then(|given| integer(given, "amount")) {
        Some(amount) => balance::changed(state, &change_of(note, -amount)).map(|_| ()),
        None => Ok(()),
    }
}

fn change_of(note: &Object, amount: i64) -> Change<'_> {
    Change {
        customer: text(note, "customer").unwrap_or_default(),
        amount,
        currency: text(note, "currency").unwrap_or_default(),
        kind: "credit_note",
        invoice: text(note, "invoice"),
        credit_note: text(note, "id"),
    }
}

/// Takes the note off its invoice; one with nothing left to pay is paid.
fn reduce(state: &mut State, draft: &Draft, before: &Value) -> Result<(), ApiError> {
    let id = &draft.invoice;
    let left = credited(state, id, draft.pre_payment, draft.post_payment)?;
    if draft.pre_payment > 0 && left == 0 {
        invoice_payment::cancel(state, id, "automatic", settled::now_of(state, id))?;
        return settled::pay(state, id, before, Paid::ByNothing);
    }
    notice::updated(state, id, before).map(|_| ())
}

/// Writes what credit notes take off an invoice; answers what is left to pay.
fn credited(state: &mut State, id: &str, pre_payment: i64, post_payment: i64) -> Result<i64, ApiError> {
    let invoice = state.invoices.find_mut(id)?;
    let add = |invoice: &mut Object, name: &str, amount: i64| {
        let sum = integer(invoice, name).unwrap_or(0).saturating_add(amount);
        set(invoice, name, sum);
        sum
    };
    add(invoice, "pre_payment_credit_notes_amount", pre_payment);
    add(invoice, "post_payment_credit_notes_amount", post_payment);
    if pre_payment == 0 {
        return Ok(integer(invoice, "amount_remaining").unwrap_or(0));
    }
    add(invoice, "amount_due", -pre_payment);
    let left = add(invoice, "amount_remaining", -pre_payment);
    invoice_payment::resize(state, id, left)?;
    Ok(left)
}
