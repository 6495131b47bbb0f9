//! The state object and the journal segments beside it, as they are read.
//!
//! S3 cannot append, so each append is an object of its own, `KEY.journal/FENCE-N`, made only if it is not there.
//! A holder of the lock numbers its segments from 1 without a gap. The state object says up to which segment it holds
//! everything (its *mark*), so a crash between folding and deleting, or a reader in between, replays nothing twice.
//!
//! A *seal* is a segment that says nothing: a later holder puts it where an earlier one would write next, whose append
//! then fails. That is what makes a holder harmless that was stopped, slept, or whose last write is still on its way.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use engine::State;
use engine::state::{Entry, StoreError};
use futures::stream::{self, StreamExt, TryStreamExt};
use serde::{Deserialize, Serialize};

use super::objects::{Object, ObjectError, Objects};
use crate::store::format;

/// A segment's place: the fencing token of who wrote it, and its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Mark {
    pub(super) fence: u64,
    pub(super) number: u64,
}

impl fmt::Display for Mark {
    /// `7-12`, as the state object's label has it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.fence, self.number)
    }
}

impl Mark {
    pub(super) const NOTHING: Mark = Mark { fence: 0, number: 0 };

    fn parse(text: &str) -> Option<Mark> {
        let (fence, number) = text.split_once('-')?;
        Some(Mark { fence: fence.parse().ok()?, number: number.parse().ok()? })
    }
}

/// The key of a segment; the numbers are padded, so that keys sort as they do.
pub(super) fn segment_key(key: &str, mark: Mark) -> String {
    format!("{}{:010}-{:08}", prefix(key), mark.fence, mark.number)
}

fn prefix(key: &str) -> String {
    format!("{key}.journal/")
}

/// The first line of a segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    /// Who wrote it: tells our own write from another's.
    writer: String,
    /// How many lines follow.
    entries: usize,
    /// Set in a seal: the fencing token of who made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sealed_by: Option<u64>,
}

/// A segment's bytes.
pub(super) fn segment(writer: &str, entries: &[Entry]) -> Result<Vec<u8>, serde_json::Error> {
    let head = Head { writer: writer.to_owned(), entries: entries.len(), sealed_by: None };
    let mut body = serde_json::to_vec(&head)?;
    body.push(b'\n');
    for entry in entries {
        serde_json::to_writer(&mut body, entry)?;
        body.push(b'\n');
    }
    Ok(body)
}

/// A seal's bytes.
pub(super) fn seal(writer: &str, fence: u64) -> Result<Vec<u8>, serde_json::Error> {
    let mut body = serde_json::to_vec(&Head { writer: writer.to_owned(), entries: 0, sealed_by: Some(fence) })?;
    body.push(b'\n');
    Ok(body)
}

/// All that was kept, at one moment.
#[derive(Debug)]
pub(super) struct Snapshot {
    /// The state with its journal.
    pub(super) state: State,
    /// The state object's ETag; none when there is none.
    pub(super) etag: Option<String>,
    /// What the state object holds already.
    pub(super) mark: Mark,
    /// The number of the last segment of each fencing token, seals left out.
    pub(super) last: BTreeMap<u64, u64>,
    /// Fencing tokens under which nothing can be appended any more.
    pub(super) sealed: BTreeSet<u64>,
    /// Keys of segments that the state object holds already, and of seals that have done their duty.
    pub(super) needless: Vec<String>,
    /// The highest fencing token met.
    pub(super) highest: u64,
}

/// How often a read begins anew because a fold came in between.
const TRIES: u32 = 10;
/// Segments read at once.
const AT_ONCE: usize = 16;
const EARLIER_VERSION: &str = "Put an earlier version of the object back, or delete it";

/// Reads the state. The journal's keys are listed first: a fold in between is then seen by its mark, and what it
/// deleted by a segment that is gone, upon which the read begins anew.
pub(super) async fn read(objects: &dyn Objects, key: &str, place: &str, stack: &str) -> Result<Snapshot, StoreError> {
    for _ in 0..TRIES {
        let keys = keys(objects, key).await.map_err(|error| unreadable(place, &error))?;
        let object = objects.get(key).await.map_err(|error| unreadable(place, &error))?;
        let mut snapshot = base(object, place, stack)?;
        let mut wanted = Vec::new();
        for segment in keys {
            let mark = segment.strip_prefix(&prefix(key)).and_then(Mark::parse);
            let mark = mark.ok_or_else(|| damaged(&segment, place, "its name is none of ours"))?;
            snapshot.highest = snapshot.highest.max(mark.fence);
            if mark <= snapshot.mark {
                snapshot.needless.push(segment);
            } else {
                wanted.push((mark, segment));
            }
        }
        if let Some(snapshot) = replayed(objects, place, snapshot, wanted).await? {
            return Ok(snapshot);
        }
    }
    Err(StoreError {
        message: format!("the state {place} changes faster than it can be read; an apply is at work, try again"),
    })
}

/// The keys of all segments and seals.
pub(super) async fn keys(objects: &dyn Objects, key: &str) -> Result<Vec<String>, ObjectError> {
    objects.list(&prefix(key)).await
}

fn base(object: Option<Object>, place: &str, stack: &str) -> Result<Snapshot, StoreError> {
    let (state, etag, mark) = match object {
        None => (State::empty(stack), None, Mark::NOTHING),
        Some(object) => {
            let text = String::from_utf8_lossy(&object.body);
            let state = format::parse(&text, place, stack, EARLIER_VERSION)?;
            // A copy that somebody put back by hand has no label: then all of the journal counts.
            let mark = object.label.as_deref().and_then(Label::mark).unwrap_or(Mark::NOTHING);
            (state, Some(object.etag), mark)
        }
    };
    let (last, sealed) = (BTreeMap::new(), BTreeSet::new());
    Ok(Snapshot { state, etag, mark, last, sealed, needless: Vec::new(), highest: mark.fence })
}

/// Takes the segments in, in their order; none when one of them is gone, because it was folded meanwhile.
async fn replayed(
    objects: &dyn Objects,
    place: &str,
    mut snapshot: Snapshot,
    wanted: Vec<(Mark, String)>,
) -> Result<Option<Snapshot>, StoreError> {
    let fetch = |(mark, key): (Mark, String)| async move {
        let object = objects.get(&key).await.map_err(|error| unreadable(place, &error))?;
        Ok::<_, StoreError>((mark, key, object))
    };
    let fetched: Vec<_> = stream::iter(wanted).map(fetch).buffered(AT_ONCE).try_collect().await?;
    for (mark, key, object) in fetched {
        let Some(object) = object else { return Ok(None) };
        let folded = if mark.fence == snapshot.mark.fence { snapshot.mark.number } else { 0 };
        let expected = snapshot.last.get(&mark.fence).copied().unwrap_or(folded) + 1;
        if mark.number != expected {
            return Err(damaged(&key, place, &format!("segment {expected} of token {} is missing", mark.fence)));
        }
        let (head, entries) = parsed(&object.body).map_err(|cause| damaged(&key, place, &cause))?;
        if head.sealed_by.is_some() {
            snapshot.sealed.insert(mark.fence);
            continue;
        }
        snapshot.last.insert(mark.fence, mark.number);
        entries.into_iter().for_each(|entry| snapshot.state.take(entry));
    }
    Ok(Some(snapshot))
}

fn parsed(body: &[u8]) -> Result<(Head, Vec<Entry>), String> {
    let text = std::str::from_utf8(body).map_err(|error| error.to_string())?;
    let mut lines = text.lines();
    let head: Head = serde_json::from_str(lines.next().unwrap_or_default()).map_err(|error| error.to_string())?;
    let entries = lines.map(serde_json::from_str).collect::<Result<Vec<Entry>, _>>();
    let entries = entries.map_err(|error| error.to_string())?;
    match entries.len() == head.entries {
        true => Ok((head, entries)),
        false => Err(format!("it has {} entries of {}", entries.len(), head.entries)),
    }
}

/// What the state object says about itself: up to where it holds the journal, and who wrote it.
pub(super) struct Label;

impl Label {
    pub(super) fn write(mark: Mark, writer: &str) -> String {
        format!("{mark} {writer}")
    }

    pub(super) fn mark(text: &str) -> Option<Mark> {
        Mark::parse(text.split(' ').next()?)
    }
}

pub(super) fn unreadable(place: &str, error: &ObjectError) -> StoreError {
    let hint = match error {
        ObjectError::NoBucket(_) => "; `billform init` makes it",
        ObjectError::Failed(_) => "",
    };
    StoreError { message: format!("the state {place} cannot be read: {error}{hint}") }
}

fn damaged(key: &str, place: &str, cause: &str) -> StoreError {
    StoreError {
        message: format!(
            "the journal object {key} of the state {place} is damaged: {cause}. Delete the objects of the journal: \
             what they held is found again by name and tags"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_sort_as_their_marks() {
        let marks = [(1, 1), (1, 2), (1, 10), (2, 1), (10, 1)].map(|(fence, number)| Mark { fence, number });
        let keys = marks.map(|mark| segment_key("billform/s.json", mark));
        assert!(keys.is_sorted(), "{keys:?}");
        assert!(marks.is_sorted());
        let name = keys[2].strip_prefix("billform/s.json.journal/").expect("the prefix");
        assert_eq!(Mark::parse(name), Some(marks[2]));
        assert_eq!(Label::mark(&Label::write(marks[2], "w")), Some(marks[2]));
    }

    #[test]
    fn a_truncated_segment_is_told_from_a_whole_one() {
        let body = segment("w", &[Entry::Removed(engine::Address::new("iam_role", "a"))]).expect("encodes");
        assert_eq!(parsed(&body).expect("whole").1.len(), 1);
        let cut = body.iter().position(|byte| *byte == b'\n').expect("two lines");
        assert!(parsed(&body[..=cut]).expect_err("truncated").contains("0 entries of 1"));
        assert!(parsed(&body[..body.len() - 5]).is_err());
        assert!(parsed(b"").is_err());
    }
}
