//! All that a `drift` run came to, ready to be shown in any format. Pure.

use engine::kind::CallError;
use engine::{Action, Drift, Drifted, Finding, Owner};

use crate::drift::authors::Authors;
use crate::drift::ignore::{Ignore, Ignored, Parted};
use crate::ui::exit;
use crate::ui::sensitive;

/// What was found, what of it is ignored, and what could not be looked at.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DriftReport {
    /// The drift that counts, what is not applied yet, what could not be read, what waits.
    pub drift: Drift,
    /// Drift that is ignored.
    pub ignored: Vec<Ignored>,
    /// What was to be ignored up to a day that is over: it hides nothing any more.
    pub expired: Vec<Ignore>,
    /// What hid nothing, because nothing of that name has drifted.
    pub idle: Vec<Ignore>,
    /// Kinds that could not be listed, so that nobody knows what of theirs the state does not know.
    pub unlisted: Vec<(&'static str, CallError)>,
    /// An apply went on while this was read: what it touched may be shown as drift.
    pub state_moved: bool,
    /// Who changed what drifted, where that was looked up.
    pub authors: Authors,
}

impl DriftReport {
    /// The report. Values that may be sensitive are taken out here, so that no format can show them.
    pub fn new(parted: Parted, unlisted: Vec<(&'static str, CallError)>, state_moved: bool) -> DriftReport {
        let Parted { mut drift, mut ignored, expired, idle } = parted;
        let found = drift.drifted.iter_mut().chain(ignored.iter_mut().map(|ignored| &mut ignored.found));
        found.flat_map(|found| &mut found.fields).for_each(sensitive::mask);
        drift.unapplied.iter_mut().flat_map(|todo| &mut todo.fields).for_each(sensitive::mask_ours);
        DriftReport { drift, ignored, expired, idle, unlisted, state_moved, authors: Authors::new() }
    }

    /// Whether something could not be judged.
    pub fn is_incomplete(&self) -> bool {
        self.drift.is_incomplete() || !self.unlisted.is_empty()
    }

    /// Incomplete beats drift (the CLI contract: 1, then 4, 3, 2); what is ignored or not applied yet is neither.
    pub fn exit_code(&self) -> u8 {
        match (self.is_incomplete(), self.drift.is_drifted()) {
            (true, _) => exit::INCOMPLETE,
            (false, true) => exit::DRIFT,
            (false, false) => exit::DONE,
        }
    }

    /// How many findings are of this sort.
    pub fn count(&self, sort: Sort) -> usize {
        self.drift.drifted.iter().filter(|found| Sort::of(&found.finding) == sort).count()
    }

    /// How many things the next apply would do to bring the cloud to what the manifest says, by action.
    pub fn unapplied(&self, action: Action) -> usize {
        self.drift.unapplied.iter().filter(|todo| todo.action == action).count()
    }
}

/// The sorts of drift: a [`Finding`] without what it carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// Fields were changed.
    Changed,
    /// It is gone.
    Vanished,
    /// Another one stands in its place.
    Replaced,
    /// Its ownership tags are gone or stale.
    Unmarked,
    /// It says that it is somebody else's.
    Taken,
    /// It carries our name and nobody knows it.
    Unknown,
}

impl Sort {
    /// Every sort, in the order a summary names them.
    pub const ALL: [Sort; 6] =
        [Sort::Changed, Sort::Vanished, Sort::Replaced, Sort::Unmarked, Sort::Taken, Sort::Unknown];

    /// The sort of a finding.
    pub fn of(finding: &Finding) -> Sort {
        match finding {
            Finding::Changed => Sort::Changed,
            Finding::Vanished => Sort::Vanished,
            Finding::Replaced(_) => Sort::Replaced,
            Finding::Unmarked => Sort::Unmarked,
            Finding::Taken(_) => Sort::Taken,
            Finding::Unknown => Sort::Unknown,
        }
    }

    /// The word, as JSON and SARIF have it.
    pub fn name(self) -> &'static str {
        match self {
            Sort::Changed => "changed",
            Sort::Vanished => "vanished",
            Sort::Replaced => "replaced",
            Sort::Unmarked => "unmarked",
            Sort::Taken => "taken",
            Sort::Unknown => "unknown",
        }
    }

    /// What it means, in one sentence.
    pub fn meaning(self) -> &'static str {
        match self {
            Sort::Changed => "Fields differ from how billform left them.",
            Sort::Vanished => "The resource that billform made is gone.",
            Sort::Replaced => "Another resource stands where billform's stood.",
            Sort::Unmarked => "The resource's ownership tags are gone or say another address.",
            Sort::Taken => "The resource says that it is somebody else's.",
            Sort::Unknown => "The resource carries the stack's name, and neither the state nor the manifest has it.",
        }
    }

    /// What to do about it.
    pub fn remedy(self) -> &'static str {
        match self {
            Sort::Changed => "`billform apply --refresh full` puts it back; or write the change into the manifest.",
            Sort::Vanished => "`billform apply` makes it again; or take it out of the manifest.",
            Sort::Replaced => "`billform plan` shows whether the new one can be taken in; what is not ours is refused.",
            Sort::Unmarked => "`billform apply --refresh full` sets the tags again.",
            Sort::Taken => "Ask that stack's people; `billform apply --adopt` takes it back.",
            Sort::Unknown => "`billform state rebuild` takes it in, so that apply can delete it; or delete it by hand.",
        }
    }
}

/// Whose a resource says it is, in words.
pub fn owner_name(owner: &Owner) -> String {
    match owner {
        Owner::Stack { name, .. } => format!("stack `{name}`"),
        Owner::Unknown | Owner::Untold => "someone who left no ownership tag".to_owned(),
    }
}

/// What happened to it, as what follows its address; nothing where its fields say it.
pub fn happened(found: &Drifted) -> Option<String> {
    match &found.finding {
        Finding::Changed => None,
        Finding::Vanished => Some(format!("{} is gone", found.id)),
        Finding::Replaced(id) => Some(format!("{id} stands where {} stood", found.id)),
        Finding::Unmarked => Some("its ownership tags are gone or stale".to_owned()),
        Finding::Taken(owner) => Some(format!("it says that it belongs to {}", owner_name(owner))),
        Finding::Unknown => Some(format!("{} carries our name, and nobody knows it", found.id)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::kind::ErrorClass;

    fn denied() -> CallError {
        CallError { operation: "iam:GetRole".to_owned(), message: "no".to_owned(), class: ErrorClass::Denied }
    }

    fn drifted() -> Drifted {
        let address = engine::Address::new("iam_role", "costs");
        Drifted { address, tenant: None, id: "r".to_owned(), finding: Finding::Vanished, fields: Vec::new() }
    }

    #[test]
    fn incomplete_beats_drift_and_nothing_else_counts() {
        let nothing = DriftReport::default();
        assert_eq!(nothing.exit_code(), 0);
        let mut drift = nothing.clone();
        drift.drift.drifted.push(drifted());
        assert_eq!(drift.exit_code(), 3);
        drift.unlisted.push(("iam_role", denied()));
        assert_eq!(drift.exit_code(), 4);
        let mut unreadable = nothing.clone();
        unreadable.drift.unreadable.push((engine::Address::new("iam_role", "costs"), denied()));
        assert_eq!(unreadable.exit_code(), 4);
        let by: Ignore = "iam_role.costs".parse().expect("an ignore");
        let ignored = vec![Ignored { found: drifted(), by: by.clone() }];
        assert_eq!(DriftReport { ignored, idle: vec![by.clone()], expired: vec![by], ..nothing }.exit_code(), 0);
    }
}
