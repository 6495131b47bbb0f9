//! How cost is told apart by tenant.

use super::values::tag_key_fault;
use super::{Checker, steps};
use crate::manifest::model::AttributionBy;

pub(super) fn check(checker: &mut Checker<'_>) {
    let attribution = &checker.manifest.attribution;
    let tag = &attribution.tenant_tag;
    match attribution.by {
        AttributionBy::Tag if tag.is_empty() => {
            let hint = "add `tenant_tag: ClientOrganization`".to_owned();
            checker.at(&steps!["attribution", "tenant_tag"], "cost is told apart by tag, and no tag is named", hint);
        }
        AttributionBy::LinkedAccount if !tag.is_empty() => {
            let hint = "leave `tenant_tag` out, or write `by: tag`".to_owned();
            checker.at(
                &steps!["attribution", "tenant_tag"],
                "cost is told apart by account, so a tag has no use",
                hint,
            );
        }
        AttributionBy::Tag if !attribution.activate.is_empty() && !attribution.activate.contains(tag) => {
            let hint = format!("add `{tag}` to it; without activation no cost carries the tag");
            checker.at_key(&steps!["attribution", "activate"], "the tenant tag is not activated", hint);
        }
        _ => {}
    }
    let keys = [("tenant_tag", Some(tag)), ("project_tag", attribution.project_tag.as_ref())];
    let keys = keys.into_iter().filter_map(|(key, tag)| Some((steps!["attribution", key].to_vec(), tag?)));
    let activated = attribution.activate.iter().enumerate();
    let activated = activated.map(|(i, tag)| (steps!["attribution", "activate", i].to_vec(), tag));
    for (steps, tag) in keys.chain(activated).filter(|(_, tag)| !tag.is_empty()) {
        if let Some(fault) = tag_key_fault(tag) {
            checker.at(&steps, format!("the tag key `{tag}` {fault}"), "choose another key".to_owned());
        }
    }
    if attribution.project_tag.as_ref() == Some(tag) && !tag.is_empty() {
        let hint = "name another tag, or leave it out".to_owned();
        checker.at(&steps!["attribution", "project_tag"], "one tag cannot name both tenants and projects", hint);
    }
}
