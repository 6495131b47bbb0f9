//! What is said once about a kind, as data: names, permissions, and how its fields are compared.

use serde::Serialize;

/// What is said once about a kind, as data; help, permissions and documentation derive from it.
#[derive(Debug, Clone, Copy)]
pub struct KindMeta {
    /// The kind's name, first half of its addresses: `iam_role`.
    pub name: &'static str,
    /// What an inventory calls the lot: `iam roles`.
    pub plural: &'static str,
    /// The service whose rate it shares, key of the concurrency limits: `iam`.
    pub service: &'static str,
    /// One sentence: what it is.
    pub summary: &'static str,
    /// Paths of fields that only a new resource can have otherwise: a change replaces. `keys`, `report.prefix`.
    pub create_only: &'static [&'static str],
    /// Paths of maps in which keys that we never set are left alone: `tags`.
    pub open_maps: &'static [&'static str],
    /// Fields that the service's lists do not give; `plan` takes them from the state unless told to read all.
    pub unlisted: &'static [&'static str],
    /// What each verb needs to be allowed.
    pub permissions: &'static [Permission],
    /// The permission of a restricted Stripe key that reads and writes it, without `rak_` and the level: `product`,
    /// and `plan` for prices.
    pub stripe_scope: Option<&'static str>,
    /// Whether deleting or replacing it can lose what billform did not write, so that [`crate::Kind::contents`] is asked first.
    pub guarded: bool,
    /// What a delete leaves behind, where it does: a plan says it before, an outcome after.
    pub leaves: Option<&'static str>,
    /// How many steps of its service run at once: below what the service takes without throttling. Kinds of one service
    /// say the same.
    pub steps_at_once: usize,
    /// Paths of maps in which people keep secrets: what others put there is not shown. `environment`.
    pub sensitive: &'static [&'static str],
    /// JSON pointer to the field that names a value which a person has to give before it is made: `/source/given`.
    pub given_value: Option<&'static str>,
    /// Whether no manifest asks for it: a small stack beside the manifest's own makes it.
    pub beside: bool,
    /// Whether making it takes the bundle of handlers.
    pub needs_bundle: bool,
    /// What a deployed stack gives out of it.
    pub output: Option<OutputOf>,
    /// Fields of a tenant's resource that are a key of that tenant in the manifest: what others changed there can be
    /// accepted by writing it into the manifest.
    pub tenant_keys: &'static [TenantKey],
    /// Paths of fields of a tenant's resource that only name the tenant, `*` for any key: `name`, `record.tags.*`. Tenants
    /// whose resources differ in these alone are alike.
    pub names: &'static [&'static str],
}

impl KindMeta {
    /// A kind without a name and without anything special: real ones say what differs, `..KindMeta::PLAIN`.
    pub const PLAIN: KindMeta = KindMeta {
        name: "",
        plural: "",
        service: "",
        summary: "",
        create_only: &[],
        open_maps: &[],
        unlisted: &[],
        permissions: &[],
        stripe_scope: None,
        guarded: false,
        leaves: None,
        steps_at_once: 4,
        sensitive: &[],
        given_value: None,
        beside: false,
        needs_bundle: false,
        output: None,
        tenant_keys: &[],
        names: &[],
    };
}

/// A field of a tenant's resource and the key of the tenant in the manifest that says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TenantKey {
    /// The field's path: `limit_usd`, `metadata.cost_center`.
    pub path: &'static str,
    /// The key: `budget`, `cost_center`.
    pub key: &'static str,
    /// The currency that is written behind the field's number: `USD`.
    pub currency: Option<&'static str>,
}

impl TenantKey {
    /// A field whose text is the key's value.
    pub const fn text(path: &'static str, key: &'static str) -> TenantKey {
        TenantKey { path, key, currency: None }
    }
}

/// What a deployed stack gives out of the resources of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputOf {
    /// Every resource's id by its name, under a heading; headings are shown by rank.
    Ids {
        /// `functions`.
        heading: &'static str,
        /// Where the heading stands among others.
        rank: u8,
    },
    /// The address that one resource answers at.
    Address {
        /// `api_url`.
        name: &'static str,
        /// The resource's output that holds it: `endpoint`.
        output: &'static str,
        /// Its path behind another endpoint than AWS's own: `{id}`, and JSON pointers into the fields in braces.
        local_path: &'static str,
    },
    /// One text that a resource gives out; resources without that output give nothing.
    Text {
        /// `evidence_public_key`.
        name: &'static str,
        /// The resource's output that holds it: `public_key`.
        output: &'static str,
    },
}

/// One IAM action that a verb needs. Resources are templates with `{account}`, `{region}` and `{stack}`-derived names,
/// filled by the provisioner; `*` where the action knows no resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Permission {
    /// Which verb needs it.
    pub verb: Verb,
    /// `iam:CreateRole`.
    pub action: &'static str,
    /// `arn:aws:iam::{account}:role/{project}-*`.
    pub resource: &'static str,
}

/// What can be done with a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    /// Look at it.
    Read,
    /// Make it.
    Create,
    /// Change it.
    Update,
    /// Remove or archive it.
    Delete,
}
