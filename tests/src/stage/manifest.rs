//! Manifests for tests: the portal of `manifests/`, and small ones of tenants and prices.

use std::fmt::Write;

/// The portal's manifest, as it is in the repository.
pub const PORTAL: &str = include_str!("../../../manifests/mmp-toledo.yaml");

/// A small manifest in the making: everything is deployed, little is said.
#[derive(Debug, Clone)]
pub struct Draft {
    project: String,
    pricing: Vec<(String, String)>,
    tenants: Vec<TenantDraft>,
    more: String,
}

/// One tenant of it.
#[derive(Debug, Clone)]
pub struct TenantDraft {
    id: String,
    organization: String,
    /// Tags beside it, as YAML.
    tags: String,
    lines: Vec<String>,
}

impl TenantDraft {
    /// A tenant whose cost carries this value of `ClientOrganization`.
    pub fn new(id: &str, organization: &str) -> TenantDraft {
        let (id, organization) = (id.to_owned(), organization.to_owned());
        TenantDraft { id, organization, tags: String::new(), lines: Vec::new() }
    }

    /// One more tag by which the cost is known, its values as YAML.
    pub fn tagged(mut self, key: &str, values: &str) -> TenantDraft {
        let _ = write!(self.tags, ", {key}: {values}");
        self
    }

    /// One more key of the tenant: `pricing: ten-percent`.
    pub fn with(mut self, line: &str) -> TenantDraft {
        self.lines.push(line.to_owned());
        self
    }

    fn render(&self, out: &mut String) {
        let TenantDraft { id, organization, tags, lines } = self;
        let _ = writeln!(out, "  - id: {id}\n    name: Tenant {id}\n    email: {id}@example.com");
        let _ = writeln!(out, "    tags: {{ ClientOrganization: {organization}{tags} }}");
        lines.iter().for_each(|line| {
            let _ = writeln!(out, "    {line}");
        });
    }
}

impl Draft {
    /// A stack of that name without tenants.
    pub fn new(project: &str) -> Draft {
        Draft { project: project.to_owned(), pricing: Vec::new(), tenants: Vec::new(), more: String::new() }
    }

    /// A way of pricing, its terms as one line of YAML: `{ markup: "10%" }`.
    pub fn pricing(mut self, name: &str, terms: &str) -> Draft {
        self.pricing.push((name.to_owned(), terms.to_owned()));
        self
    }

    /// One more tenant.
    pub fn tenant(mut self, tenant: TenantDraft) -> Draft {
        self.tenants.push(tenant);
        self
    }

    /// More top-level keys, as YAML.
    pub fn with(mut self, yaml: &str) -> Draft {
        self.more.push_str(yaml.trim_end());
        self.more.push('\n');
        self
    }

    /// The manifest's text.
    pub fn yaml(&self) -> String {
        let mut out = format!(
            "version: 1\nproject: {}\naws: {{ account: \"123456789012\", region: us-east-1 }}\ncurrency: USD\n\
             attribution:\n  by: tag\n  tenant_tag: ClientOrganization\n  project_tag: BillingProject\n  activate: [ClientOrganization, BillingProject]\n\
             secrets:\n  stripe: {{ key: apiKey }}\nstripe: {{ secret_key: stripe }}\n\
             invoicing: {{ settle_days: 0 }}\napi: {{ surfaces: [portal] }}\n",
            self.project
        );
        out.push_str(&self.more);
        if !self.pricing.is_empty() {
            out.push_str("pricing:\n");
            for (name, terms) in &self.pricing {
                let _ = writeln!(out, "  {name}: {terms}");
            }
        }
        out.push_str("tenants:\n");
        self.tenants.iter().for_each(|tenant| tenant.render(&mut out));
        out
    }
}
