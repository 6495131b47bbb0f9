//! What one step asks of its kind, and how it takes the answer. It keeps no state: the journal is the run's.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::diff::FieldChange;
use crate::kind::{Applied, Create, Delete, Depth, ErrorClass, Removal, Update, Want};
use crate::plan::Step;
use crate::retry::{Retrier, harmless_again, without_effect};
use crate::status::ApplyError;
use crate::token::token;
use crate::{Action, Address, CallError, Kind, Observed, Owner};

/// How often a create looks, and calls again, when the answer said nothing or that something is there.
const LOOKS: u32 = 4;

/// One step with all it needs to make its calls.
pub(super) struct Caller<'a> {
    pub(super) step: &'a Step,
    pub(super) kind: &'a dyn Kind,
    pub(super) stack: &'a str,
    pub(super) generation: u64,
    pub(super) retrier: Retrier<'a>,
}

/// What a step is to do now.
pub(super) enum Job {
    /// Make it.
    Create { desired: Value },
    /// Bring it to `desired`; a step planned as a replacement comes back as [`Made::MustReplace`] if it still is one.
    Change { desired: Value, last: Option<Arc<Value>> },
    /// Remove it.
    Delete { id: String, fields: Arc<Value> },
}

/// What came of it.
pub(super) enum Made {
    /// It exists as desired.
    Applied(Applied),
    /// It exists as desired and did so before.
    Unchanged(Applied),
    /// It has to be deleted and made again.
    MustReplace { id: String, fields: Arc<Value> },
    /// It is gone.
    Removed(Removal),
}

impl Caller<'_> {
    pub(super) async fn run(&self, job: Job) -> Result<Made, ApplyError> {
        match job {
            Job::Create { desired } => self.create(desired).await,
            Job::Change { desired, last } => self.change(desired, last).await,
            Job::Delete { id, fields } => self.delete(id, fields).await,
        }
    }

    fn address(&self) -> &Address {
        &self.step.address
    }

    async fn create(&self, desired: Value) -> Result<Made, ApplyError> {
        let request = Create {
            address: self.address().clone(),
            token: token(self.stack, self.generation, self.address(), &desired),
            desired,
        };
        let mut perhaps_made = false;
        let mut look = 0;
        loop {
            let create = || self.kind.create(request.clone());
            let error = match self.retrier.call(self.address(), without_effect, create).await {
                Ok(applied) => return Ok(Made::Applied(applied)),
                Err(error) => error,
            };
            match error.class {
                ErrorClass::Ambiguous => perhaps_made = true,
                ErrorClass::AlreadyExists => {}
                ErrorClass::Throttled
                | ErrorClass::NotYet
                | ErrorClass::Denied
                | ErrorClass::Refused
                | ErrorClass::Halted => return Err(error.into()),
            }
            match self.look(&request.desired, None).await? {
                // What a replacement has just deleted can be seen for a while.
                Some(found) if self.is_leaving(&found, &request.desired) => {}
                Some(found) => return self.settle(found, request.desired, perhaps_made).await,
                None => {}
            }
            // Not there, or not visible yet; the token and the name keep a second call from making a second one.
            look += 1;
            if look >= LOOKS || !self.retrier.pause(self.address(), look, &error).await {
                let hidden = error.class == ErrorClass::AlreadyExists;
                return Err(if hidden { ApplyError::Hidden(error) } else { error.into() });
            }
        }
    }

    fn is_leaving(&self, found: &Observed, desired: &Value) -> bool {
        let replaced = self.step.action.destroys() && self.step.id.as_ref() == Some(&found.id);
        replaced && forced(&self.kind.diff(desired, &found.fields, None)).is_some()
    }

    /// A create found something in its place: carries on with it if it is ours.
    async fn settle(&self, found: Observed, desired: Value, perhaps_made: bool) -> Result<Made, ApplyError> {
        let claim = match &found.owner {
            owner if owner.is_stack(self.stack) => false,
            // Nothing was there when we planned and our own call may have got through: it lacks only its tags.
            Owner::Unknown if perhaps_made => true,
            Owner::Untold if perhaps_made => false,
            owner => {
                return Err(ApplyError::NotOurs {
                    address: self.address().clone(),
                    id: found.id,
                    owner: owner.clone(),
                });
            }
        };
        let changes = self.kind.diff(&desired, &found.fields, None);
        if let Some(fields) = forced(&changes) {
            return Err(ApplyError::NeedsReplacement { address: self.address().clone(), fields });
        }
        self.update(found, desired, changes, claim).await
    }

    async fn change(&self, desired: Value, last: Option<Arc<Value>>) -> Result<Made, ApplyError> {
        let found = if self.step.awaits_outputs() {
            // What it refers to was made anew, and may have taken this one with it. It is looked for where it was.
            let planned = self.as_planned();
            match self.look(&planned.fields, Some(planned.id.clone())).await? {
                Some(found) => found,
                None if self.step.action == Action::Import => {
                    return Err(ApplyError::NothingToImport { address: self.address().clone(), id: planned.id });
                }
                None => return self.create(desired).await,
            }
        } else {
            self.as_planned()
        };
        let changes = self.kind.diff(&desired, &found.fields, last.as_deref());
        match forced(&changes) {
            None => self.update(found, desired, changes, self.step.claim).await,
            Some(_) if self.step.action.destroys() => Ok(Made::MustReplace { id: found.id, fields: found.fields }),
            Some(fields) => Err(ApplyError::NeedsReplacement { address: self.address().clone(), fields }),
        }
    }

    fn as_planned(&self) -> Observed {
        Observed {
            id: self.step.id.clone().unwrap_or_default(),
            fields: self.step.observed.clone().unwrap_or_default(),
            outputs: self.step.outputs.clone(),
            owner: Owner::Unknown,
            unread: Vec::new(),
            pending: self.step.pending.clone(),
        }
    }

    async fn update(
        &self,
        found: Observed,
        desired: Value,
        changes: Vec<FieldChange>,
        claim: bool,
    ) -> Result<Made, ApplyError> {
        let Observed { id, fields, outputs, pending, .. } = found;
        if changes.is_empty() && !claim {
            return Ok(Made::Unchanged(Applied { id, outputs, pending }));
        }
        let observed = Arc::unwrap_or_clone(fields);
        let basis = json!({"id": id, "desired": desired, "observed": observed});
        let token = token(self.stack, self.generation, self.address(), &basis);
        let request =
            Update { address: self.address().clone(), id: id.clone(), desired, observed, changes, claim, token };
        let update = || self.kind.update(request.clone());
        let applied = self.retrier.call(self.address(), harmless_again, update).await?;
        let mut all = outputs;
        all.extend(applied.outputs);
        let id = if applied.id.is_empty() { id } else { applied.id };
        Ok(Made::Applied(Applied { id, outputs: all, pending: applied.pending }))
    }

    async fn delete(&self, id: String, fields: Arc<Value>) -> Result<Made, ApplyError> {
        let request = Delete { address: self.address().clone(), id, fields: Arc::unwrap_or_clone(fields) };
        let delete = || self.kind.delete(request.clone());
        let removal = self.retrier.call(self.address(), harmless_again, delete).await?;
        Ok(Made::Removed(removal))
    }

    /// Reads this one resource in full.
    async fn look(&self, fields: &Value, id: Option<String>) -> Result<Option<Observed>, CallError> {
        let wants = [Want { address: self.address().clone(), id, fields: fields.clone(), known: None }];
        let wants = &wants;
        let read = || -> futures::future::BoxFuture<'_, _> {
            Box::pin(async move {
                let answer = self.kind.read(wants, Depth::Full).await.pop();
                answer.unwrap_or_else(|| {
                    Err(CallError {
                        operation: format!("{}:read", self.kind.meta().name),
                        message: "gave no answer; this is a bug in billform".to_owned(),
                        class: ErrorClass::Refused,
                    })
                })
            })
        };
        self.retrier.call(self.address(), harmless_again, read).await
    }
}

/// The paths of the changes that force a replacement, if any does.
fn forced(changes: &[FieldChange]) -> Option<String> {
    let paths: Vec<&str> =
        changes.iter().filter(|change| change.forces_replacement).map(|change| change.path.as_str()).collect();
    if paths.is_empty() { None } else { Some(paths.join(", ")) }
}
