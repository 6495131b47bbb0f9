//! Drift as GitHub issues: one for each tenant that drifts, and one for what all share.
//!
//! A body says nothing of the run that found the drift, no day and no count of calls: the same drift has the same body
//! every night.

use std::collections::BTreeSet;

use engine::Address;
use engine::diff::FieldChange;

use super::drift_markdown::rows;
use super::markdown::{Block, Document, code};
use super::marker;
use crate::drift::acceptance;
use crate::drift::document::{ChangedBy, DriftDocument, Found};
use crate::drift::issues::Wanted;
use crate::drift::report::Sort;
use crate::ui::sensitive;

/// GitHub's title takes no more than 256 characters; ours are shorter.
const LONGEST_NAME: usize = 60;

/// The issues that a drift asks for: shared resources first, then by tenant.
pub fn wanted(document: &DriftDocument) -> Vec<Wanted> {
    let mut groups: Vec<(Option<&str>, Vec<&Found>)> = Vec::new();
    for found in &document.changes {
        let tenant = found.tenant.as_deref();
        match groups.iter_mut().find(|(known, _)| *known == tenant) {
            Some((_, same)) => same.push(found),
            None => groups.push((tenant, vec![found])),
        }
    }
    groups.sort_by_key(|(tenant, _)| *tenant);
    groups.into_iter().map(|(tenant, found)| issue(document, tenant, &found)).collect()
}

fn issue(document: &DriftDocument, tenant: Option<&str>, found: &[&Found]) -> Wanted {
    let marker = marker::drift(&document.stack, tenant);
    let title = match tenant {
        Some(tenant) => format!("Drift of tenant {} in {}", plain(tenant), plain(&document.stack)),
        None => format!("Drift of shared resources in {}", plain(&document.stack)),
    };
    let body = body(document, tenant, found, &marker);
    Wanted { marker, tenant: tenant.map(str::to_owned), title, body }
}

/// A name in a title, which is text but for code spans and references: what is not a name's character is a `_`.
fn plain(name: &str) -> String {
    let kept = |c: char| if c.is_alphanumeric() || "-./ ".contains(c) { c } else { '_' };
    name.chars().take(LONGEST_NAME).map(kept).collect()
}

fn body(document: &DriftDocument, tenant: Option<&str>, found: &[&Found], marker: &str) -> String {
    let of = tenant.map_or_else(|| "the shared resources".to_owned(), |tenant| format!("tenant {}", code(tenant)));
    // One resource may have two findings: other fields, and other tags.
    let addresses: BTreeSet<&Address> = found.iter().map(|found| &found.address).collect();
    let many = match addresses.len() {
        1 => "1 resource differs".to_owned(),
        many => format!("{many} resources differ"),
    };
    let place =
        format!("stack {}, account {} ({})", code(&document.stack), code(&document.account), code(&document.region));
    let beginning = format!(
        "{marker}\n## Drift of {of}\n\n**{many}** from how billform left it: {place}.\n\n\
         `billform apply --refresh full` puts back what can be put back; `billform drift --ignore ADDRESS` leaves known \
         drift alone. This issue is kept up to date by `billform ci issues`, and closed when the drift is gone."
    );
    let mut out = Document::new(&beginning, "`billform drift`");
    out.section("What drifted", found.iter().map(|found| (tenant, block(found))));
    out.finish()
}

fn block(found: &Found) -> Block {
    let mut head = format!("{} **{}**", code(&found.address.to_string()), found.finding);
    if let Some(what) = &found.happened {
        head.push_str(&format!(": {}", code(&sensitive::text(what))));
    }
    // The document is masked already; one that another program wrote may not be.
    let mut fields: Vec<FieldChange> = found.fields.clone();
    fields.iter_mut().for_each(sensitive::mask);
    let remedy = match acceptance::command(found) {
        Some(command) if !billing::manifest::holds_secret(&command) => {
            format!("To accept it: {}, then apply. Else `billform apply --refresh full` puts it back.", code(&command))
        }
        _ => found.sort().map_or("", Sort::remedy).to_owned(),
    };
    let below = vec![remedy, format!("Changed by: {}", changed_by(found.changed_by.as_ref()))];
    Block { head, columns: &["Field", "Found", "As left"], rows: rows(&fields), below }
}

fn changed_by(who: Option<&ChangedBy>) -> String {
    match who {
        Some(ChangedBy { reason: Some(reason), .. }) => format!("unknown ({})", code(&sensitive::text(reason))),
        Some(ChangedBy { who, at: Some(at), .. }) => format!("{} at {}", code(&sensitive::text(who)), code(at)),
        Some(ChangedBy { who, at: None, .. }) => code(&sensitive::text(who)),
        None => "unknown".to_owned(),
    }
}
