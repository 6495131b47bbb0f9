//! Reports of any bytes: Parquet, CSV, gzip and zip are told apart by their first bytes.
#![no_main]

use cur::{Basis, Bytes, Query, Reading};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let by = ["tenant", "service", "day"].map(|name| name.parse().expect("a dimension"));
    let query = Query { basis: Basis::Amortised, tenant_tag: "Tenant".to_owned(), ..Query::new(by.into()) };
    let file = Bytes::new("report", bytes);
    let _ = cur::describe(&[&file], &Reading::default());
    let _ = cur::report(&[&file], &query, &Reading::default());
});
