//! An update of a deployed function, as far as its settings differ.

use billing::function::Setting;
use engine::{Action, Plan, Step};
use serde_json::Value;

use crate::kinds::lambda_function::LambdaFunctions;
use crate::kinds::typed::TypedKind;

/// The kind of the steps that are looked at.
pub const FUNCTION: &str = <LambdaFunctions as TypedKind>::META.name;

/// What a function is set to, and what a plan sets it to.
pub struct SettingsEdit<'a> {
    /// Where its step stands in the plan.
    pub at: usize,
    before: &'a Value,
    after: &'a Value,
}

impl<'a> SettingsEdit<'a> {
    /// The update of the function of that name; none where the plan has none.
    pub fn of(plan: &'a Plan, function: &str) -> Option<SettingsEdit<'a>> {
        let is_it = |step: &Step| step.address.kind() == FUNCTION && step.address.name() == function;
        let (at, step) = plan.steps.iter().enumerate().find(|(_, step)| is_it(step))?;
        let before = step.observed.as_deref().filter(|_| step.action == Action::Update)?;
        Some(SettingsEdit { at, before, after: step.desired.as_ref()? })
    }

    /// A setting as it is deployed and as it is planned.
    pub fn values(&self, setting: Setting) -> [Option<&'a Value>; 2] {
        [self.before, self.after].map(|fields| fields.get("environment")?.get(setting.variable()))
    }
}
