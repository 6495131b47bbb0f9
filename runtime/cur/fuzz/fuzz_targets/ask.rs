//! Everything that is asked of a report.

use cur::{Basis, Bytes, Query, Reading};

/// Asks. Any answer is right; a panic, a hang or gigabytes are not.
pub fn ask(bytes: &[u8]) {
    let by = ["tenant", "service", "day"].map(|name| name.parse().expect("a dimension"));
    let query = Query { basis: Basis::Amortised, tenant_tag: "Tenant".to_owned(), ..Query::new(by.into()) };
    let file = Bytes::new("report", bytes);
    let _ = cur::describe(&[&file], &Reading::default());
    let _ = cur::report(&[&file], &query, &Reading::default());
}
