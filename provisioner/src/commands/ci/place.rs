//! Where the commands of `ci` work, and how they fail there.

use crate::cloud::github::error::GithubError;
use crate::cloud::github::place::Place;
use crate::ui::failure::Failure;

/// The repository of this workflow.
pub fn place() -> Result<Place, Failure> {
    Place::from_variables(&variable).map_err(failure)
}

/// A variable of the environment; an empty one is none.
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The failure with its hint.
pub fn failure(error: GithubError) -> Failure {
    let hint = error.hint();
    let failure = Failure::new(error);
    match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}
