//! Who holds a lock, told to whoever meets it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A run that holds a lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// `billform apply`.
    pub command: String,
    /// Who runs it.
    pub user: String,
    /// On which machine.
    pub host: String,
    /// Its process there.
    pub pid: u32,
    /// Since when, by that machine's clock: for people, nothing is judged by it.
    pub since: String,
}

impl Holder {
    /// This process, which runs `billform VERB`.
    pub fn this(verb: &str) -> Holder {
        let user = std::env::var("USER").or_else(|_| std::env::var("LOGNAME"));
        Holder {
            command: format!("billform {verb}"),
            user: user.unwrap_or_else(|_| "someone".to_owned()),
            host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
            pid: std::process::id(),
            since: jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
        }
    }
}

impl fmt::Display for Holder {
    /// `` `billform apply` of ana on desk, process 7 ``.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` of {} on {}, process {}", self.command, self.user, self.host, self.pid)
    }
}
