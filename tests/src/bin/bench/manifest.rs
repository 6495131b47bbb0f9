//! The manifest that is measured: everything tenants share, and a budget, a customer and a record for each of them.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use billing::manifest::{Manifest, Source};

use crate::Fallible;

/// The name of the secret whose value billform is given.
pub const SECRET: &str = "stripe";

/// What all tenants share: every section that makes resources.
const SHARED: &str = r#"version: 1
project: bench
aws:
  account: "123456789012"
  region: us-east-1
  architecture: arm64
  tags: { Application: bench }
state: { file: .billform/state.json }
currency: USD
attribution:
  by: tag
  tenant_tag: ClientOrganization
  project_tag: BillingProject
  activate: [ClientOrganization, BillingProject]
costs:
  source: cost-explorer
  basis: unblended
  unallocated: operator
  report:
    name: bench-cur
    bucket: bench-cur-123456789012
    prefix: cur
    time_unit: hourly
    format: parquet
    versioning: overwrite
    retention: { archive_after: "90 days" }
pricing:
  at-cost: {}
  ten-percent: { markup: "10%" }
secrets:
  stripe: { name: bench/stripe-api-key, key: apiKey, description: Stripe secret key }
  link: { name: bench/link-key, generate: true, description: Signs links }
stripe: { secret_key: stripe, payment_methods: [card] }
products:
  portal:
    name: Client billing portal
    description: Cost by service and project
    prices:
      monthly: { amount: "5.00 USD", every: month, lookup_key: bench-portal-monthly }
      setup: { amount: "25.00 USD", lookup_key: bench-portal-setup }
budgets:
  default: "500.00 USD"
  name: "bench-{tenant}-monthly"
  emails: [billing@example.com]
  alerts: [{ at: "50%" }, { at: "80%" }, { at: "100%" }]
invoicing: { first_period: 2026-10, settle_days: 14, approval: manual, terms: "30 days", collection: send-invoice }
auth: { links: { secret: link, valid_for: "30 days" } }
functions: { log_retention: "30 days" }
ledger: { name: bench-ledger, deletion_protection: true, point_in_time_recovery: true }
api:
  name: bench-api
  stage: prod
  surfaces: [portal]
  cors: { origins: ["https://bench.example.com"] }
  throttle: { rate: 50, burst: 100 }
  access_log: { group: /aws/apigateway/bench-api, retention: "30 days" }
tenants:
"#;

/// The manifest's text with so many tenants.
pub fn text(tenants: usize) -> String {
    let mut text = SHARED.to_owned();
    for number in 0..tenants {
        let pricing = if number % 2 == 0 { "at-cost" } else { "ten-percent" };
        // Writing to a string does not fail.
        let _ = write!(
            text,
            "  - id: tenant-{number:05}\n    name: Tenant {number}\n    email: billing@tenant-{number}.example.com\n    \
             locale: en-US\n    tags: {{ ClientOrganization: Tenant-{number:05} }}\n    pricing: {pricing}\n    \
             budget: \"{}.00 USD\"\n",
            100 + number
        );
    }
    text
}

/// The manifest as a file in a folder of its own, made now.
pub fn write(folder: &Path, tenants: usize) -> Fallible<PathBuf> {
    let path = folder.join("billform.yaml");
    let written = fs::create_dir_all(folder).and_then(|()| fs::write(&path, text(tenants)));
    written.map_err(|error| format!("writing {}: {error}", path.display()))?;
    Ok(path)
}

/// The manifest, read and checked.
pub fn load(text: String) -> Fallible<Manifest> {
    let source = Source { path: "billform.yaml".to_owned(), text };
    billing::manifest::load(&[source], None, &provisioner::stack::handlers()).map_err(|problems| {
        let shown: Vec<String> = problems.iter().map(billing::manifest::Problem::render).collect();
        format!("the generated manifest is not sound:\n{}", shown.join("\n"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generated_manifest_is_sound_and_has_its_tenants() {
        let manifest = load(text(12)).expect("sound");
        assert_eq!(manifest.tenants.len(), 12);
        assert!(manifest.secrets.contains_key(SECRET));
    }
}
