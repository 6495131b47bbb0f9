//! `rotate link-key`: a second key signs, links of both hold, then those of the first one no longer.

use std::sync::Arc;

use billing::rotated::Rotated;

use super::{Arguments, Plan, Step};
use crate::cloud::connection::Connection;
use crate::kinds::secret::{Held, Secrets};
use crate::kinds::typed::TypedKind as _;
use crate::project::Project;
use crate::run::session::Session;
use crate::store::Store;
use crate::ui::failure::{Failure, Outcome};
use crate::ui::options::Global;

/// One step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// Generates a key and stores it before the one there is.
    StoreSecond,
    /// Stores the newer key alone.
    StoreOne,
    /// Notes which version of the secret is billform's, so that nobody takes it for another's.
    Note,
}

impl Step for Next {
    fn name(&self) -> &'static str {
        match self {
            Next::StoreSecond => "store_second_key",
            Next::StoreOne => "store_one_key",
            Next::Note => "note_version",
        }
    }

    fn does(&self) -> String {
        let does = match self {
            Next::StoreSecond => "Generate a second key and store both: it signs from now on, and links of both hold.",
            Next::StoreOne => "Store the second key alone: links that the first one signed hold no longer.",
            Next::Note => "Note the stored version in the secret's tags.",
        };
        does.to_owned()
    }
}

pub(super) async fn run(
    global: &Global,
    arguments: &Arguments,
    project: Project,
    connection: Connection,
    store: &Store,
) -> Outcome {
    let (name, secret) = project.manifest.link_secret().ok_or_else(|| {
        Failure::new("the manifest has no secret that signs links").hint("`auth.links.secret` names it")
    })?;
    if !secret.generate {
        let variable = billing::manifest::model::Secret::variable(name);
        return Err(Failure::new(format!(
            "the value of the secret `{name}` is given, so billform cannot make up another"
        ))
        .hint(format!(
            "set {variable} to another value and apply: links of the old one end at once; or `generate` it"
        )));
    }
    let (secret, json_key) = (secret.name.clone(), secret.key.clone());
    let session = Session::wanting(project, connection, engine::Graph::empty());
    let secrets = Secrets::new(Arc::clone(&session.cloud));
    let held = secrets.held(&secret).await?.ok_or_else(|| {
        Failure::new(format!("the secret {secret} does not exist or has no value")).hint("`billform apply` makes it")
    })?;
    let plan = decide(&held, arguments.finish);
    plan.agree(global, arguments)?;
    store.begin();
    for step in &plan.steps {
        match step {
            Next::StoreSecond => {
                let current = secrets.generated(json_key.as_deref())?.expose().to_owned();
                let both = Rotated { current, previous: Some(held.values.current.clone()) };
                secrets.rotate(&secret, &held, &both).await?;
            }
            Next::StoreOne => {
                let one = Rotated { current: held.values.current.clone(), previous: None };
                secrets.rotate(&secret, &held, &one).await?;
            }
            Next::Note => secrets.note(&secret).await?,
        }
    }
    plan.done(global)
}

/// What is left to do.
fn decide(held: &Held, finish: bool) -> Plan<Next> {
    let is_under_way = held.values.previous.is_some();
    let note = (!held.is_noted).then_some(Next::Note);
    let (steps, then) = match (finish, is_under_way) {
        (true, true) => (vec![Next::StoreOne, Next::Note], "Only links that the second key signed hold now."),
        (true, false) => (Vec::from_iter(note), "No rotation is under way: there is one key."),
        (false, true) => (Vec::from_iter(note), BOTH_HOLD),
        (false, false) => (vec![Next::StoreSecond, Next::Note], BOTH_HOLD),
    };
    Plan { what: "link-key", steps, then: then.to_owned() }
}

const BOTH_HOLD: &str = "Both keys hold, and the second one signs. Once tenants have new links, or the old ones have expired, \
                         `billform rotate link-key --finish` ends the first one.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_to_do_follows_from_what_is_there() {
        let held = |previous: Option<&str>, is_noted| Held {
            values: Rotated { current: "new".to_owned(), previous: previous.map(str::to_owned) },
            version: "v".to_owned(),
            is_noted,
        };
        let steps = |held: &Held, finish| decide(held, finish).steps;
        assert_eq!(steps(&held(None, true), false), [Next::StoreSecond, Next::Note]);
        assert_eq!(steps(&held(Some("old"), false), false), [Next::Note], "a run died before it");
        assert_eq!(steps(&held(Some("old"), true), false), [], "and once more");
        assert_eq!(steps(&held(Some("old"), true), true), [Next::StoreOne, Next::Note]);
        assert_eq!(steps(&held(None, false), true), [Next::Note]);
        assert_eq!(steps(&held(None, true), true), []);
    }
}
