//! The world in memory, for tests: every port over one state, and a fault before or after the nth call.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use billing::attribution::QueriedDay;
use billing::invoice::InvoiceRecord;
use billing::ledger::{CostClaim, CostDay, SyncMark};
use billing::money::MinorUnits;
use billing::tenant::TenantRecord;
use billing::{Month, Period};
use jiff::Timestamp;
use jiff::civil::Date;

use super::{
    Clock, CostQuery, CostSource, DraftRequest, Invoices, ItemRequest, Ledger, Part, PortError, Ports, RemoteInvoice,
    RemoteItem, RemoteStatus, Secrets,
};
use crate::secret::Secret;

/// Everything the ports hold. Compared after faults.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct World {
    pub(crate) tenants: BTreeMap<String, TenantRecord>,
    pub(crate) days: BTreeMap<(String, Date), CostDay>,
    pub(crate) marks: BTreeMap<(String, Month), SyncMark>,
    pub(crate) invoices: BTreeMap<(String, Month), InvoiceRecord>,
    pub(crate) claims: BTreeMap<(String, Month), String>,
    pub(crate) by_service: Vec<QueriedDay>,
    pub(crate) by_project: Vec<QueriedDay>,
    pub(crate) drafts: Vec<(DraftRequest, RemoteInvoice)>,
    pub(crate) items: Vec<(ItemRequest, RemoteItem)>,
    pub(crate) secrets: BTreeMap<String, String>,
    /// Idempotency key -> the index of what it made.
    pub(crate) keys: BTreeMap<String, usize>,
}

/// When a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing happened.
    Before,
    /// It happened, the answer got lost.
    After,
}

/// The world behind all ports; a clone is the same world.
#[derive(Debug, Default, Clone)]
pub(crate) struct Memory {
    world: Arc<Mutex<World>>,
    calls: Arc<Mutex<usize>>,
    fault: Arc<Mutex<Option<(usize, Fault)>>>,
}

/// A clock that stands where it is put.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FixedClock(Timestamp);

impl FixedClock {
    pub(crate) fn at(text: &str) -> FixedClock {
        FixedClock(text.parse().expect("a time"))
    }
}

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        self.0
    }
}

impl Memory {
    pub(crate) fn new(world: World) -> Memory {
        Memory { world: Arc::new(Mutex::new(world)), ..Memory::default() }
    }

    /// Looks at or changes the world, outside any port.
    pub(crate) fn with<T>(&self, look: impl FnOnce(&mut World) -> T) -> T {
        look(&mut self.world.lock().expect("the world"))
    }

    /// Lets the nth call from now on (counted from 0) fail, once.
    pub(crate) fn fail(&self, nth: usize, fault: Fault) {
        *self.calls.lock().expect("calls") = 0;
        *self.fault.lock().expect("a fault") = Some((nth, fault));
    }

    /// How many calls there were since the last `fail`.
    pub(crate) fn calls(&self) -> usize {
        *self.calls.lock().expect("calls")
    }

    fn call<T>(&self, doing: &str, effect: impl FnOnce(&mut World) -> Result<T, String>) -> Result<T, PortError> {
        let nth = {
            let mut calls = self.calls.lock().expect("calls");
            *calls += 1;
            *calls - 1
        };
        let mut fault = self.fault.lock().expect("a fault");
        let due = fault.filter(|(at, _)| *at == nth).map(|(_, fault)| fault);
        if due.is_some() {
            *fault = None;
        }
        drop(fault);
        if due == Some(Fault::Before) {
            return Err(PortError::new(doing, "refused by the test"));
        }
        let done = self.with(effect).map_err(|cause| PortError::new(doing, cause))?;
        match due {
            Some(Fault::After) => Err(PortError::new(doing, "the test lost the answer")),
            _ => Ok(done),
        }
    }
}

impl Ports for Memory {
    fn ledger(&self, _table: &str) -> Arc<dyn Ledger> {
        Arc::new(self.clone())
    }

    fn secrets(&self) -> Arc<dyn Secrets> {
        Arc::new(self.clone())
    }

    fn cost_source(&self, _query: CostQuery) -> Arc<dyn CostSource> {
        Arc::new(self.clone())
    }

    fn invoices(&self, _key: Secret) -> Result<Arc<dyn Invoices>, PortError> {
        Ok(Arc::new(self.clone()))
    }

    fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(FixedClock::at("2026-11-21T08:00:00Z"))
    }
}

#[async_trait]
impl Ledger for Memory {
    async fn tenants(&self) -> Result<Vec<TenantRecord>, PortError> {
        self.call("list tenants", |world| Ok(world.tenants.values().cloned().collect()))
    }

    async fn tenant(&self, id: &str) -> Result<Option<TenantRecord>, PortError> {
        self.call("read a tenant", |world| Ok(world.tenants.get(id).cloned()))
    }

    async fn cost_days(&self, tenant: &str, period: &Period) -> Result<Vec<CostDay>, PortError> {
        self.call("read days", |world| {
            let range = (tenant.to_owned(), period.start())..(tenant.to_owned(), period.end());
            Ok(world.days.range(range).map(|(_, day)| day.clone()).collect())
        })
    }

    async fn put_cost_day(&self, tenant: &str, day: &CostDay) -> Result<(), PortError> {
        self.call("write a day", |world| {
            world.days.insert((tenant.to_owned(), day.date), day.clone());
            Ok(())
        })
    }

    async fn sync_marks(&self, tenant: &str, first: Month, last: Month) -> Result<Vec<SyncMark>, PortError> {
        self.call("read marks", |world| {
            let range = (tenant.to_owned(), first)..=(tenant.to_owned(), last);
            Ok(world.marks.range(range).map(|(_, mark)| mark.clone()).collect())
        })
    }

    async fn put_sync_mark(&self, tenant: &str, mark: &SyncMark) -> Result<(), PortError> {
        self.call("write a mark", |world| {
            world.marks.insert((tenant.to_owned(), mark.month), mark.clone());
            Ok(())
        })
    }

    async fn invoice(&self, tenant: &str, month: Month) -> Result<Option<InvoiceRecord>, PortError> {
        self.call("read an invoice", |world| Ok(world.invoices.get(&(tenant.to_owned(), month)).cloned()))
    }

    async fn claim_cost(&self, claim: &CostClaim) -> Result<String, PortError> {
        self.call("claim a cost", |world| {
            let key = (claim.tag.clone(), claim.month);
            Ok(world.claims.entry(key).or_insert_with(|| claim.tenant.clone()).clone())
        })
    }

    async fn write_invoice(&self, record: &InvoiceRecord, expected: Option<u64>) -> Result<bool, PortError> {
        self.call("write an invoice", |world| {
            let key = (record.tenant().to_owned(), record.month());
            let fits = world.invoices.get(&key).map(|stored| stored.version) == expected;
            if fits {
                world.invoices.insert(key, record.clone());
            }
            Ok(fits)
        })
    }
}

#[async_trait]
impl CostSource for Memory {
    async fn daily(&self, period: &Period, part: Part) -> Result<Vec<QueriedDay>, PortError> {
        self.call("ask for costs", |world| {
            let days = match part {
                Part::Service => &world.by_service,
                Part::Project => &world.by_project,
            };
            let nothing = |date| QueriedDay { date, estimated: false, rows: Vec::new() };
            let mut found: Vec<QueriedDay> = period.days().map(nothing).collect();
            found.extend(days.iter().filter(|day| period.contains(day.date)).cloned());
            Ok(found)
        })
    }
}

#[async_trait]
impl Secrets for Memory {
    async fn secret(&self, name: &str) -> Result<Secret, PortError> {
        self.call("read a secret", |world| {
            world.secrets.get(name).map(Secret::new).ok_or_else(|| "no such secret".to_owned())
        })
    }
}

#[async_trait]
impl Invoices for Memory {
    async fn find(&self, customer: &str, metadata: &[(String, String)]) -> Result<Option<RemoteInvoice>, PortError> {
        self.call("list invoices", |world| {
            let ours = |made: &&(DraftRequest, RemoteInvoice)| {
                made.0.customer == customer && made.0.metadata == metadata && made.1.status != RemoteStatus::Void
            };
            Ok(world.drafts.iter().find(ours).map(|(_, invoice)| invoice.clone()))
        })
    }

    async fn create_draft(&self, request: &DraftRequest) -> Result<RemoteInvoice, PortError> {
        self.call("create a draft", |world| {
            if let Some(made) = world.keys.get(&request.idempotency_key) {
                let (before, invoice) = &world.drafts[*made];
                return if before == request { Ok(invoice.clone()) } else { Err("other parameters".to_owned()) };
            }
            let invoice = RemoteInvoice {
                id: format!("in_{}", world.drafts.len()),
                status: RemoteStatus::Draft,
                total: MinorUnits(0),
                currency: request.currency.code().to_owned(),
            };
            world.keys.insert(request.idempotency_key.clone(), world.drafts.len());
            world.drafts.push((request.clone(), invoice.clone()));
            Ok(invoice)
        })
    }

    async fn invoice(&self, id: &str) -> Result<RemoteInvoice, PortError> {
        self.call("read a draft", |world| {
            let found = world.drafts.iter().find(|(_, invoice)| invoice.id == id);
            found.map(|(_, invoice)| invoice.clone()).ok_or_else(|| format!("no such invoice: {id}"))
        })
    }

    async fn items(&self, invoice: &str) -> Result<Vec<RemoteItem>, PortError> {
        self.call("list items", |world| {
            let on_it = world.items.iter().filter(|(request, _)| request.invoice == invoice);
            Ok(on_it.map(|(_, item)| item.clone()).collect())
        })
    }

    async fn add_item(&self, request: &ItemRequest) -> Result<RemoteItem, PortError> {
        self.call("add an item", |world| {
            if let Some(made) = world.keys.get(&request.idempotency_key) {
                let (before, item) = &world.items[*made];
                return if before == request { Ok(item.clone()) } else { Err("other parameters".to_owned()) };
            }
            let draft = world.drafts.iter_mut().find(|(_, invoice)| invoice.id == request.invoice);
            let (_, draft) = draft.ok_or("no such invoice")?;
            if draft.status != RemoteStatus::Draft {
                return Err("the invoice is not a draft".to_owned());
            }
            draft.total.0 += request.amount.0;
            let item = RemoteItem { id: format!("ii_{}", world.items.len()), line: Some(request.line) };
            world.keys.insert(request.idempotency_key.clone(), world.items.len());
            world.items.push((request.clone(), item.clone()));
            Ok(item)
        })
    }
}
