//! What a handler needs to be deployed, as const data beside its code; `bootstrap describe` prints the serialisable
//! [`FunctionSpec`] of it.

use billing::function::{FunctionSpec, Grant, Need, RouteSpec, Setting, Trigger};

/// A handler's needs. Write it as `Spec { name: …, ..Spec::EMPTY }`.
#[derive(Debug, Clone, Copy)]
pub struct Spec {
    /// The handler's name, the value of [`Setting::Handler`]: `costs`.
    pub name: &'static str,
    /// One sentence for the console and `billform kinds`.
    pub description: &'static str,
    /// Memory, in MB.
    pub memory_mb: u32,
    /// Time-out, in seconds; HTTP handlers stay below API Gateway's 30.
    pub timeout_s: u32,
    /// What calls it, beside its routes.
    pub triggers: &'static [On],
    /// Its routes of the HTTP API. An `Api` leaves it out: its `ROUTES` say it.
    pub routes: fn() -> Vec<RouteSpec>,
    /// What it may do, beyond writing its own log group.
    pub grants: &'static [Grant],
    /// The settings it reads, beyond [`Setting::Handler`].
    pub settings: &'static [Setting],
    /// The surfaces of `api.surfaces` that deploy it; empty for handlers that every stack has.
    pub surfaces: &'static [&'static str],
    /// What the manifest must have beside that.
    pub needs: &'static [Need],
    /// Stripe's types of events that it takes, sorted.
    pub stripe_events: &'static [&'static str],
}

/// A [`Trigger`] as const data; routes are not among them, see [`Spec::routes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum On {
    /// A schedule of the manifest, with its default expression in UTC.
    Schedule {
        /// The schedule's name in the manifest.
        name: &'static str,
        /// EventBridge's expression.
        expression: &'static str,
    },
    /// Objects written to a bucket of the stack.
    Bucket {
        /// Only keys that begin so; empty for all.
        prefix: &'static str,
    },
    /// Messages of an SNS topic of the stack.
    Topic {
        /// The topic's name in the manifest.
        name: &'static str,
    },
    /// A Lambda trigger of the stack's user pool.
    UserPool {
        /// Cognito's name of the trigger: `PostConfirmation`.
        event: &'static str,
    },
    /// Only invoked directly.
    Invoke,
}

impl Spec {
    /// A spec that asks for nothing, for the fields that a handler does not set.
    pub const EMPTY: Spec = Spec {
        name: "",
        description: "",
        memory_mb: 256,
        timeout_s: 10,
        triggers: &[],
        routes: Vec::new,
        grants: &[],
        settings: &[],
        surfaces: &[],
        needs: &[],
        stripe_events: &[],
    };

    /// The spec as `handlers.json` has it.
    pub fn describe(&self) -> FunctionSpec {
        let routes = (self.routes)();
        let http = (!routes.is_empty()).then_some(Trigger::Http(routes));
        FunctionSpec {
            name: self.name.to_owned(),
            description: self.description.to_owned(),
            memory_mb: self.memory_mb,
            timeout_s: self.timeout_s,
            triggers: http.into_iter().chain(self.triggers.iter().map(On::describe)).collect(),
            grants: self.grants.to_vec(),
            settings: self.settings.to_vec(),
            surfaces: self.surfaces.iter().map(|name| (*name).to_owned()).collect(),
            needs: self.needs.to_vec(),
            stripe_events: self.stripe_events.iter().map(|name| (*name).to_owned()).collect(),
        }
    }
}

impl On {
    fn describe(&self) -> Trigger {
        match *self {
            On::Schedule { name, expression } => {
                Trigger::Schedule { name: name.to_owned(), expression: expression.to_owned() }
            }
            On::Bucket { prefix } => Trigger::Bucket { prefix: prefix.to_owned() },
            On::Topic { name } => Trigger::Topic { name: name.to_owned() },
            On::UserPool { event } => Trigger::UserPool { event: event.to_owned() },
            On::Invoke => Trigger::Invoke,
        }
    }
}
