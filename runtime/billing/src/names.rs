//! Names that the provisioner writes and the runtime reads: tags, ledger attributes, Stripe metadata.

/// Ids: of the project, an environment, a tenant. They stand in names, keys and paths as they are.
pub fn is_id(text: &str) -> bool {
    (1..=40).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// Partition key of the ledger table: the tenant's id.
pub const LEDGER_KEY: &str = "tenant";
/// Sort key of the ledger table: what the item is, `tenant`, `cost#2026-10-05`, `invoice#2026-10`.
pub const LEDGER_SORT: &str = "item";
/// Attribute that tells items of a kind apart; partition key of [`LEDGER_BY_KIND`].
pub const LEDGER_KIND: &str = "kind";
/// The index that lists all items of one kind over all tenants; only tenant records carry the attribute.
pub const LEDGER_BY_KIND: &str = "by_kind";
/// Attribute by which DynamoDB expires items, unix seconds.
pub const LEDGER_TTL: &str = "ttl";
/// Sort key and kind of the tenant record.
pub const TENANT_ITEM: &str = "tenant";
/// Sort key and kind of what stays of a tenant who left.
pub const LEFT_ITEM: &str = "left";
/// Attribute that holds the tenant record as JSON text.
pub const TENANT_ATTRIBUTE: &str = "record";
/// Attribute that holds what any other ledger item says, as JSON text (see [`crate::ledger`]).
pub const RECORD_ATTRIBUTE: &str = "record";
/// Attribute that counts an item's versions, for conditional writes.
pub const VERSION_ATTRIBUTE: &str = "version";
/// The pseudo-tenant that holds cost no tenant's tag claims; no tenant may have this id.
pub const UNALLOCATED: &str = "unallocated";
/// Project name shown for cost that carries no project tag.
pub const NO_PROJECT: &str = "(no project)";
/// How a request to the costs API may carry its link token beside `Authorization: Bearer`.
pub const TOKEN_HEADER: &str = "x-billform-token";

/// Tag (and Stripe metadata key) that names the stack a resource belongs to: `<project>` or `<project>/<environment>`.
pub const OWNER_TAG: &str = "billform:stack";
/// Tag (and Stripe metadata key) that names the resource's address in the stack.
pub const ADDRESS_TAG: &str = "billform:address";
/// Tag of a tenant's resources that names the tenant; Stripe objects say it under [`TENANT_METADATA`].
pub const TENANT_TAG: &str = "billform:tenant";
/// Stripe metadata key of what stays though its tenant left: it is ours, and no longer looked after.
pub const LEFT_METADATA: &str = "billform:left";
/// Stripe metadata key of a tenant's objects.
pub const TENANT_METADATA: &str = "billform_tenant";
/// Stripe metadata key of an invoice's month.
pub const PERIOD_METADATA: &str = "billform_period";
/// Stripe metadata key of an invoice's revision.
pub const REVISION_METADATA: &str = "billform_revision";
/// Stripe metadata key of what a draft carries: `provisional`, `complete`, or `redrawing` while its lines are replaced.
pub const STATE_METADATA: &str = "billform_state";
/// Stripe metadata key of the total that a draft's lines come to, in minor units.
pub const TOTAL_METADATA: &str = "billform_total";
/// Stripe metadata key of a credit note's number among those of its invoice.
pub const CREDIT_NOTE_METADATA: &str = "billform_credit_note";
/// Stripe metadata key of a refund's number among those of its invoice.
pub const REFUND_METADATA: &str = "billform_refund";
/// Stripe metadata key of what a credit note is for: ids of positions of the balance.
pub const CAUSE_METADATA: &str = "billform_cause";
/// Stripe metadata key of the number of the set of lines that a draft carries.
pub const DRAWING_METADATA: &str = "billform_drawing";
