//! Stripe's invoices in memory, with its idempotency keys.

use std::collections::BTreeMap;

use async_trait::async_trait;
use billing::invoice::{Attempt, AttemptStatus, Collection, Remote, RemoteCreditNote, RemoteStatus};
use billing::money::MinorUnits;

use super::Memory;
use crate::ports::{
    CreditRequest, DraftRequest, Invoices, LineRequest, LinesRequest, PortError, RefundRequest, RemoveRequest,
    StepRequest, UpdateRequest,
};

/// What every call to Stripe does, as faults and counts name it.
pub(crate) const DOINGS: &[&str] = &[
    "list invoices",
    "read an invoice",
    "create a draft",
    "add lines",
    "list lines",
    "remove lines",
    "update a draft",
    "finalise",
    "send",
    "void",
    "list payments",
    "list credit notes",
    "issue a credit note",
    "list refunds",
    "refund",
    "delete a draft",
    "read a customer",
];

/// An invoice of the Stripe in memory.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Invoice {
    /// How it was created.
    pub(crate) request: DraftRequest,
    /// As the port shows it.
    pub(crate) remote: Remote,
    /// Its lines: an id and what it says.
    pub(crate) lines: Vec<(String, LineRequest)>,
    pub(crate) collection: Collection,
    /// How often it was e-mailed.
    pub(crate) sent: u32,
    /// The credit notes on it.
    pub(crate) credit_notes: Vec<RemoteCreditNote>,
}

/// What Stripe remembers of a key: the parameters, and its answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answered {
    parameters: String,
    answer: Remote,
}

/// Stripe's state.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Stripe {
    pub(crate) invoices: Vec<Invoice>,
    pub(crate) keys: BTreeMap<String, Answered>,
    /// The same of credit notes.
    pub(crate) credit_keys: BTreeMap<String, (CreditRequest, RemoteCreditNote)>,
    /// Customers with a default payment method.
    pub(crate) chargeable: Vec<String>,
    /// Payments towards invoices, by invoice.
    pub(crate) payments: BTreeMap<String, Vec<Attempt>>,
    pub(crate) side: super::payments::Side,
    pub(crate) pages: super::checkout::Pages,
    /// Ids given so far.
    made: usize,
    pub(crate) livemode: bool,
}

impl Stripe {
    /// The one invoice of this id.
    pub(crate) fn get(&mut self, id: &str) -> Result<&mut Invoice, String> {
        self.invoices.iter_mut().find(|invoice| invoice.remote.id == id).ok_or_else(|| format!("no such invoice: {id}"))
    }

    fn draft(&mut self, id: &str) -> Result<&mut Invoice, String> {
        let invoice = self.get(id)?;
        match invoice.remote.status {
            RemoteStatus::Draft => Ok(invoice),
            _ => Err(format!("{id} is not a draft")),
        }
    }

    fn id(&mut self, prefix: &str) -> String {
        self.made += 1;
        format!("{prefix}_{}", self.made - 1)
    }

    /// Does a thing once for its key.
    fn once(
        &mut self,
        key: &str,
        parameters: String,
        effect: impl FnOnce(&mut Stripe) -> Result<Remote, String>,
    ) -> Result<Remote, String> {
        if let Some(before) = self.keys.get(key) {
            return if before.parameters == parameters {
                Ok(before.answer.clone())
            } else {
                Err("other parameters".to_owned())
            };
        }
        let answer = effect(self)?;
        self.keys.insert(key.to_owned(), Answered { parameters, answer: answer.clone() });
        Ok(answer)
    }
}

impl Invoice {
    /// As it is shown now.
    fn shown(&self) -> Remote {
        let is_open = self.remote.status == RemoteStatus::Open;
        let remaining = if is_open { self.remote.total.0 - self.remote.credited_unpaid.0 } else { 0 };
        Remote { remaining: MinorUnits(remaining), ..self.remote.clone() }
    }

    /// Takes a credit note off, as Stripe does: first what is to pay, then what was paid, which must be told where it goes.
    fn credit(&mut self, id: String, request: &CreditRequest) -> Result<RemoteCreditNote, String> {
        let remote = self.shown();
        if !matches!(remote.status, RemoteStatus::Open | RemoteStatus::Paid) {
            return Err(format!("{} is neither open nor paid", remote.id));
        }
        let left = remote.total.0 - remote.credited_unpaid.0 - remote.credited_paid.0;
        if request.amount.0 < 1 || request.amount.0 > left {
            return Err(format!("{} cannot be credited of {left}", request.amount.0));
        }
        let unpaid = request.amount.0.min(remote.remaining.0);
        let paid = request.amount.0 - unpaid;
        if request.to_balance.0 != paid {
            return Err(format!("{} is not the post payment amount, {paid}", request.to_balance.0));
        }
        self.remote.credited_unpaid.0 += unpaid;
        self.remote.credited_paid.0 += paid;
        if unpaid > 0 && unpaid == remote.remaining.0 {
            self.remote.status = RemoteStatus::Paid;
        }
        let (amount, after_payment) = (request.amount, MinorUnits(paid));
        let note = RemoteCreditNote { id, amount, after_payment, metadata: request.metadata.iter().cloned().collect() };
        self.credit_notes.push(note.clone());
        Ok(note)
    }

    fn set(&mut self, metadata: &[(String, String)]) {
        self.remote.metadata.extend(metadata.iter().cloned());
        self.remote.total = MinorUnits(self.lines.iter().map(|(_, line)| line.amount.0).sum());
        self.remote.has_lines = !self.lines.is_empty();
    }
}

#[async_trait]
impl Invoices for Memory {
    async fn of_customer(&self, customer: &str) -> Result<Vec<Remote>, PortError> {
        self.call("list invoices", |world| {
            let theirs = world.stripe.invoices.iter().filter(|invoice| invoice.request.customer == customer);
            Ok(theirs.map(Invoice::shown).collect())
        })
    }

    async fn invoice(&self, id: &str) -> Result<Option<Remote>, PortError> {
        self.call("read an invoice", |world| Ok(world.stripe.get(id).ok().map(|invoice| invoice.shown())))
    }

    async fn create_draft(&self, request: &DraftRequest) -> Result<Remote, PortError> {
        self.call("create a draft", |world| {
            world.stripe.once(&request.idempotency_key, format!("{request:?}"), |stripe| {
                let remote = Remote {
                    id: stripe.id("in"),
                    status: RemoteStatus::Draft,
                    total: MinorUnits(0),
                    currency: request.currency.code().to_owned(),
                    livemode: stripe.livemode,
                    has_lines: false,
                    paid: MinorUnits(0),
                    by_balance: MinorUnits(0),
                    remaining: MinorUnits(0),
                    credited_unpaid: MinorUnits(0),
                    credited_paid: MinorUnits(0),
                    off_stripe: MinorUnits(0),
                    overpaid: MinorUnits(0),
                    attempted: false,
                    metadata: request.metadata.iter().cloned().collect(),
                };
                let invoice = Invoice {
                    request: request.clone(),
                    remote: remote.clone(),
                    lines: Vec::new(),
                    collection: Collection::SendInvoice,
                    sent: 0,
                    credit_notes: Vec::new(),
                };
                stripe.invoices.push(invoice);
                Ok(remote)
            })
        })
    }

    async fn add_lines(&self, request: &LinesRequest) -> Result<Remote, PortError> {
        self.call("add lines", |world| {
            world.stripe.once(&request.idempotency_key, format!("{request:?}"), |stripe| {
                let ids: Vec<String> = request.lines.iter().map(|_| stripe.id("il")).collect();
                let invoice = stripe.draft(&request.invoice)?;
                invoice.lines.extend(ids.into_iter().zip(request.lines.iter().cloned()));
                if invoice.lines.len() > 250 {
                    return Err("more than 250 items".to_owned());
                }
                invoice.set(&request.metadata);
                Ok(invoice.remote.clone())
            })
        })
    }

    async fn line_ids(&self, invoice: &str) -> Result<Vec<String>, PortError> {
        self.call("list lines", |world| Ok(world.stripe.get(invoice)?.lines.iter().map(|(id, _)| id.clone()).collect()))
    }

    async fn remove_lines(&self, request: &RemoveRequest) -> Result<Remote, PortError> {
        self.call("remove lines", |world| {
            world.stripe.once(&request.idempotency_key, format!("{request:?}"), |stripe| {
                let invoice = stripe.draft(&request.invoice)?;
                invoice.lines.retain(|(id, _)| !request.lines.contains(id));
                invoice.set(&request.metadata);
                Ok(invoice.remote.clone())
            })
        })
    }

    async fn update(&self, request: &UpdateRequest) -> Result<Remote, PortError> {
        self.call("update a draft", |world| {
            world.stripe.once(&request.idempotency_key, format!("{request:?}"), |stripe| {
                let invoice = stripe.draft(&request.invoice)?;
                invoice.collection = request.collection.unwrap_or(invoice.collection);
                invoice.set(&request.metadata);
                if request.description.is_some() {
                    invoice.request.description.clone_from(&request.description);
                }
                Ok(invoice.remote.clone())
            })
        })
    }

    async fn finalize(&self, step: &StepRequest) -> Result<Remote, PortError> {
        self.call("finalise", |world| {
            world.stripe.once(&step.idempotency_key, format!("{step:?}"), |stripe| {
                let invoice = stripe.draft(&step.invoice)?;
                invoice.remote.status = RemoteStatus::Open;
                if invoice.collection == Collection::ChargeAutomatically {
                    invoice.remote.status = RemoteStatus::Paid;
                    invoice.remote.paid = invoice.remote.total;
                }
                Ok(invoice.remote.clone())
            })
        })
    }

    async fn send(&self, step: &StepRequest) -> Result<Remote, PortError> {
        self.call("send", |world| {
            world.stripe.once(&step.idempotency_key, format!("{step:?}"), |stripe| {
                let invoice = stripe.get(&step.invoice)?;
                if invoice.remote.status == RemoteStatus::Draft {
                    return Err("a draft cannot be sent".to_owned());
                }
                invoice.sent += 1;
                Ok(invoice.remote.clone())
            })
        })
    }

    async fn void(&self, step: &StepRequest) -> Result<Remote, PortError> {
        self.call("void", |world| {
            world.stripe.once(&step.idempotency_key, format!("{step:?}"), |stripe| {
                let invoice = stripe.get(&step.invoice)?;
                if invoice.remote.status != RemoteStatus::Open {
                    return Err("only an open invoice can be voided".to_owned());
                }
                invoice.remote.status = RemoteStatus::Void;
                Ok(invoice.remote.clone())
            })
        })
    }

    async fn payments(&self, invoice: &str) -> Result<Vec<Attempt>, PortError> {
        self.call("list payments", |world| Ok(world.stripe.payments.get(invoice).cloned().unwrap_or_default()))
    }

    async fn credit_notes(&self, invoice: &str) -> Result<Vec<RemoteCreditNote>, PortError> {
        self.call("list credit notes", |world| Ok(world.stripe.get(invoice)?.credit_notes.clone()))
    }

    async fn credit(&self, request: &CreditRequest) -> Result<RemoteCreditNote, PortError> {
        self.call("issue a credit note", |world| {
            let stripe = &mut world.stripe;
            if let Some((before, answer)) = stripe.credit_keys.get(&request.idempotency_key) {
                return if before == request { Ok(answer.clone()) } else { Err("other parameters".to_owned()) };
            }
            let is_under_way = |attempt: &Attempt| attempt.status == AttemptStatus::Processing;
            if stripe.payments.get(&request.invoice).is_some_and(|attempts| attempts.iter().any(is_under_way)) {
                return Err("This invoice has a payment that is processing".to_owned());
            }
            let id = stripe.id("cn");
            let note = stripe.get(&request.invoice)?.credit(id, request)?;
            stripe.credit_keys.insert(request.idempotency_key.clone(), (request.clone(), note.clone()));
            Ok(note)
        })
    }

    async fn refund_of(&self, request: &RefundRequest) -> Result<Option<String>, PortError> {
        self.call("list refunds", |world| {
            let made = world.stripe.side.refunds.iter().position(|made| made.metadata == request.metadata);
            Ok(made.map(|at| format!("re_{}", at + 1)))
        })
    }

    async fn refund(&self, request: &RefundRequest) -> Result<String, PortError> {
        self.call("refund", |world| {
            let refunds = &mut world.stripe.side.refunds;
            if !refunds.contains(request) {
                refunds.push(request.clone());
            }
            Ok(format!("re_{}", refunds.len()))
        })
    }

    async fn delete_draft(&self, id: &str) -> Result<(), PortError> {
        self.call("delete a draft", |world| {
            if world.stripe.get(id).is_ok() {
                world.stripe.draft(id)?;
            }
            world.stripe.invoices.retain(|invoice| invoice.remote.id != id);
            Ok(())
        })
    }

    async fn can_charge(&self, customer: &str) -> Result<bool, PortError> {
        self.call("read a customer", |world| Ok(world.stripe.chargeable.iter().any(|known| known == customer)))
    }
}
