//! The state as text, the same in a file, in S3 and in what `state pull` prints.

use engine::State;
use engine::state::{STATE_VERSION, StoreError};

/// Reads a state. `place` is where it lies, for messages; `remedy` is how an earlier copy is put back there.
pub fn parse(text: &str, place: &str, stack: &str, remedy: &str) -> Result<State, StoreError> {
    let damaged = |cause: &serde_json::Error| StoreError {
        message: format!(
            "the state {place} is damaged: {cause}. `billform state rebuild` makes it anew. {remedy}: billform then finds what is ours by name and tags and \
             adopts it"
        ),
    };
    // The version first: a newer format may not fit the struct.
    let version: Version = serde_json::from_str(text).map_err(|error| damaged(&error))?;
    if version.version > STATE_VERSION {
        return Err(StoreError {
            message: format!(
                "the state {place} has version {}, this billform reads up to {STATE_VERSION}; use a newer billform",
                version.version
            ),
        });
    }
    let state: State = serde_json::from_str(text).map_err(|error| damaged(&error))?;
    if state.stack != stack {
        return Err(StoreError {
            message: format!(
                "the state {place} is of stack `{}`, the manifest is of `{stack}`; name another place in the \
                 manifest's `state`, or set project and environment back",
                state.stack
            ),
        });
    }
    Ok(state)
}

#[derive(serde::Deserialize)]
struct Version {
    version: u32,
}
