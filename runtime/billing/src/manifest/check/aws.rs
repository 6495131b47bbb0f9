//! The account, the region, tags of every resource.

use super::values::{account, region, tags};
use super::{Checker, steps};

/// AWS takes 50 tags on a resource; the rest is billform's own.
const MOST_TAGS: usize = 40;

pub(super) fn check(checker: &mut Checker<'_>) {
    let aws = &checker.manifest.aws;
    account(checker, &steps!["aws", "account"], &aws.account);
    region(checker, &steps!["aws", "region"], &aws.region);
    tags(checker, &steps!["aws", "tags"], &aws.tags);
    if aws.tags.len() > MOST_TAGS {
        let hint = "AWS takes 50 on a resource, and billform adds its own".to_owned();
        checker.at(&steps!["aws", "tags"], "more than 40 tags", hint);
    }
    if let Some(payer) = &aws.payer {
        account(checker, &steps!["aws", "payer", "account"], &payer.account);
    }
}
