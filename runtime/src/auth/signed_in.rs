//! Somebody who acts for a tenant.

use billing::function::Role;
use billing::tenant::TenantRecord;

/// Who is asking, as a session or a signed link proves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedIn {
    /// The tenant. Everything that is read or written for the request is theirs.
    pub tenant: TenantRecord,
    /// What they may do.
    pub role: Role,
}
