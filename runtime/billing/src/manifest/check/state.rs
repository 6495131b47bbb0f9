//! Where the state is kept.

use super::values::region;
use super::{Checker, steps};
use crate::manifest::model::State;
use crate::manifest::text::Seconds;

const SHORTEST_LEASE_S: u32 = 2;
const LONGEST_LEASE_S: u32 = 3_600;

pub(super) fn check(checker: &mut Checker<'_>) {
    match &checker.manifest.state {
        State::File(file) if file.ends_with('/') => {
            checker.at(&steps!["state", "file"], "the state's file is a folder", "name a file in it".to_owned());
        }
        State::File(_) => {}
        State::S3(state) => {
            region(checker, &steps!["state", "s3", "region"], &state.region);
            lease(checker, state.lease);
        }
    }
}

/// A lease must outlast a few calls to S3, and a run that died must not keep others out for a day.
fn lease(checker: &mut Checker<'_>, lease: Seconds) {
    if !(SHORTEST_LEASE_S..=LONGEST_LEASE_S).contains(&lease.count()) {
        let hint = "from `2 seconds` to `1 hour`; a minute when left out".to_owned();
        checker.at(&steps!["state", "s3", "lease"], format!("a lock cannot hold {} seconds", lease.count()), hint);
    }
}
