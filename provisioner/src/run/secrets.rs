//! Values of secrets as a person gives them: an environment variable, or a prompt on a terminal.

use std::collections::HashMap;
use std::io::{self, IsTerminal};
use std::sync::Mutex;

use crate::cloud::secret_values::{SecretValue, SecretValues, variable};

/// `BILLFORM_SECRET_<NAME>`, or what was typed when asked.
pub struct Given {
    may_ask: bool,
    asked: Mutex<HashMap<String, SecretValue>>,
}

impl Given {
    /// Values from the environment; with `may_ask`, missing ones are asked for when they are needed.
    pub fn new(may_ask: bool) -> Given {
        Given { may_ask, asked: Mutex::default() }
    }
}

/// The value of a variable, wrapped before anyone can print it; none when it is unset or empty.
pub fn environment(variable: &str) -> Option<SecretValue> {
    std::env::var(variable).ok().filter(|value| !value.trim().is_empty()).map(|value| SecretValue::new(value.trim()))
}

impl SecretValues for Given {
    fn given(&self, name: &str) -> Option<SecretValue> {
        let asked = self.asked.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        environment(&variable(name)).or_else(|| asked.get(name).cloned())
    }

    fn required(&self, name: &str) -> Result<SecretValue, String> {
        if let Some(value) = self.given(name) {
            return Ok(value);
        }
        let variable = variable(name);
        if !self.may_ask || !io::stdin().is_terminal() {
            return Err(format!("the secret `{name}` has no value yet; set {variable}"));
        }
        // The lock is held while asking, so that two steps do not ask at once.
        let mut asked = self.asked.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let typed = rpassword::prompt_password(format!("Value of the secret `{name}` (not shown): "));
        match typed.as_deref().map(str::trim) {
            Ok("") => Err(format!("no value was typed for the secret `{name}`; set {variable}")),
            Ok(value) => {
                let value = SecretValue::new(value);
                asked.insert(name.to_owned(), value.clone());
                Ok(value)
            }
            Err(error) => Err(format!("the value of `{name}` cannot be asked for: {error}; set {variable}")),
        }
    }
}
