//! What a reviewer reads of a saved plan, in a file beside it: `the.plan` has `the.plan.review.json`.
//!
//! The plan itself holds digests and no values, and is all that `apply` takes. The review has the values, masked and
//! cut, for `ci comment`; it names the plan it belongs to, so that one is not shown for another.

use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::run::saved_plan::SavedPlan;
use crate::store::file;
use crate::ui::failure::Failure;
use crate::ui::views::review::Review;

/// The format this billform writes.
const FORMAT: &str = "billform-review/1";

/// What a file's name ends in.
const ENDING: &str = ".review.json";

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SavedReview {
    format: String,
    /// [`SavedPlan::checksum`] of the plan.
    plan: String,
    review: Review,
}

/// Where a plan's review lies.
pub fn path(plan: &Path) -> PathBuf {
    let mut name: OsString = plan.into();
    name.push(ENDING);
    name.into()
}

/// Writes the review beside the plan, whole or not at all.
pub fn write(review: Review, plan: &SavedPlan, beside: &Path) -> Result<(), Failure> {
    let path = path(beside);
    let saved = SavedReview { format: FORMAT.to_owned(), plan: plan.checksum().to_owned(), review };
    file::replace(&path, &serde_json::to_vec(&saved)?)
        .map_err(|error| Failure::new(format!("{} cannot be written: {error}", path.display())))
}

/// Reads the plan and what is reviewed of it; one of another plan is refused.
pub fn read(plan: &Path) -> Result<Review, Failure> {
    let saved_plan = SavedPlan::read(plan)?;
    let path = path(plan);
    let shown = path.display();
    let text = fs::read(&path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => Failure::new(format!("{shown} is missing, which has what is shown of the plan"))
            .hint("`billform plan --out FILE` writes both; keep them side by side"),
        _ => Failure::new(format!("{shown} cannot be read: {error}")),
    })?;
    let saved: SavedReview = serde_json::from_slice(&text).map_err(|error| {
        Failure::new(format!("{shown} is not a plan's review: {error}")).hint("plan again with this version")
    })?;
    if saved.format != FORMAT {
        let found = saved.format;
        return Err(Failure::new(format!("{shown} has the format {found}, this billform reads {FORMAT}"))
            .hint("plan again with this version"));
    }
    if saved.plan != saved_plan.checksum() {
        return Err(Failure::new(format!("{shown} belongs to another plan than {}", plan.display()))
            .hint("plan again: `billform plan --out FILE` writes both"));
    }
    Ok(saved.review)
}
