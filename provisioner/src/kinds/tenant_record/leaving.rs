//! What stays of a tenant who left when the record goes: an item of its own, written first. A tenant without a last month
//! leaves none: the record was never billed to its end, or its id became another.

use aws_sdk_dynamodb::types::AttributeValue;
use billing::ledger::{LeftTenant, encode};
use billing::names::{LEDGER_KEY, LEDGER_KIND, LEDGER_SORT, LEFT_ITEM, OWNER_TAG, RECORD_ATTRIBUTE};
use engine::kind::CallError;

use super::{Desired, Item, TenantRecords, history, parted, text};
use crate::cloud::errors::{call_error, refused};

const OPERATION: &str = "dynamodb:UpdateItem";

impl TenantRecords {
    /// Writes what stays of the tenant, as the stored record of this stack has them.
    pub(super) async fn keep_what_stays(&self, last: &Desired) -> Result<(), CallError> {
        let stored = self.fetch_all(&last.table, std::slice::from_ref(&last.tenant)).await?;
        let ours = stored.first().filter(|item| text(item, OWNER_TAG) == Some(self.cloud.stack.as_str()));
        let Some(left) = ours.and_then(what_stays) else { return Ok(()) };
        let record = encode(&left).map_err(|error| refused(OPERATION, error.to_string()))?;
        let key = [(LEDGER_KEY, last.tenant.as_str()), (LEDGER_SORT, LEFT_ITEM)];
        let key = key.map(|(name, value)| (name.to_owned(), AttributeValue::S(value.to_owned())));
        let call = self.dynamodb.update_item().table_name(&last.table).set_key(Some(key.into()));
        let call = call.update_expression("SET #kind = :kind, #record = :record");
        let call = call.expression_attribute_names("#kind", LEDGER_KIND);
        let call = call.expression_attribute_names("#record", RECORD_ATTRIBUTE);
        let call = call.expression_attribute_values(":kind", AttributeValue::S(LEFT_ITEM.to_owned()));
        let call = call.expression_attribute_values(":record", AttributeValue::S(record));
        call.send().await.map(drop).map_err(|error| call_error(OPERATION, error))
    }
}

fn what_stays(item: &Item) -> Option<LeftTenant> {
    LeftTenant::of(&history::record(&parted(item).0)?)
}
