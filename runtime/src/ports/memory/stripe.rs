//! Stripe's invoices in memory, with its idempotency keys.

use async_trait::async_trait;
use billing::money::MinorUnits;

use super::Memory;
use crate::ports::{DraftRequest, Invoices, ItemRequest, PortError, RemoteInvoice, RemoteItem, RemoteStatus};

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
