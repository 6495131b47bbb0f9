//! The bundle's handlers, as far as a manifest names them or sets what they need.

use super::model::Manifest;
use super::node::{Node, Standing, Step, Value};
use super::problem::Problem;
use super::source::Source;
use super::suggest::among;
use crate::function::{FunctionSpec, Need, Trigger};

/// How long a function may run, in seconds (Lambda quotas).
const LONGEST_RUN_S: u32 = 900;
/// HTTP APIs give up on an integration after 30 seconds (API Gateway quotas); the function's own answer comes before.
const LONGEST_ANSWER_S: u32 = 29;

/// The handlers that a manifest may name.
#[derive(Debug, Clone, Copy)]
pub(super) struct Catalogue<'a>(pub &'a [FunctionSpec]);

impl<'a> Catalogue<'a> {
    /// The names of the handlers.
    pub(super) fn handlers(self) -> impl Iterator<Item = &'a str> + Clone {
        self.0.iter().map(|spec| spec.name.as_str())
    }

    /// The names of the handlers that a manifest has what they need for.
    pub(super) fn needed_by(self, manifest: &Manifest) -> impl Iterator<Item = &'a str> + Clone {
        let has = |need: &Need| match need {
            Need::StripeWebhook => manifest.webhook().is_some(),
        };
        self.0.iter().filter(move |spec| spec.needs.iter().all(has)).map(|spec| spec.name.as_str())
    }

    /// The names of the schedules that handlers follow.
    pub(super) fn schedules(self) -> impl Iterator<Item = &'a str> + Clone {
        let triggers = self.0.iter().flat_map(|spec| &spec.triggers);
        triggers.filter_map(|trigger| match trigger {
            Trigger::Schedule { name, .. } => Some(name.as_str()),
            _ => None,
        })
    }

    /// The handler that answers at a path, and its route key.
    pub(super) fn route_at(self, path: &str) -> Option<(&'a str, &'a str)> {
        let mut routes = self.0.iter().flat_map(|spec| {
            let http = spec.triggers.iter().filter_map(|trigger| match trigger {
                Trigger::Http(routes) => Some(routes),
                _ => None,
            });
            http.flatten().map(|route| (spec.name.as_str(), route.key.as_str()))
        });
        routes.find(|(_, key)| key.split_once(' ').is_some_and(|(_, at)| at == path))
    }

    /// Reports handlers and schedules that the manifest names and the bundle does not know, and passes them over so that
    /// nothing else is said about them.
    pub(super) fn take_out_unknown(self, sources: &[Source], tree: &mut Node, problems: &mut Vec<Problem>) {
        let mut unknown = |path: &[Step], one: &str, what: &str, known: Vec<&str>| {
            let Some(Node { value: Value::Map(entries), .. }) = tree.get_mut(path) else { return };
            for entry in entries.iter_mut().filter(|entry| !known.contains(&entry.key.as_str())) {
                let hint = among(&entry.key, known.iter().copied(), what);
                let message = format!("the bundle has no {one} `{}`", entry.key);
                problems.push(Problem::at(sources, entry.key_span, message, Some(hint)));
                entry.standing = Standing::PassedOver;
            }
        };
        let handlers = [Step::from("functions"), Step::from("handlers")];
        unknown(&handlers, "handler", "handlers", self.handlers().collect());
        unknown(&[Step::from("schedules")], "schedule", "schedules", self.schedules().collect());
    }

    /// The longest time-out that a handler may be given, in seconds: one behind the HTTP API answers in time.
    pub(super) fn longest_timeout_s(self, handler: &str) -> u32 {
        let spec = self.0.iter().find(|spec| spec.name == handler);
        let answers = spec.is_some_and(|spec| spec.triggers.iter().any(|t| matches!(t, Trigger::Http(_))));
        if answers { LONGEST_ANSWER_S } else { LONGEST_RUN_S }
    }
}
