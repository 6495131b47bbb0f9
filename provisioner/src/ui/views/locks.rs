//! The locks that are held, on the whole state and on tenants' parts of it.

use serde_json::{Value, json};

use super::wrap::wrapped;
use crate::store::holder::Holder;

/// A lock that is held.
#[derive(Debug)]
pub struct Locked {
    /// Whose part it is on; none when it is on the whole.
    pub tenant: Option<String>,
    /// Who holds it.
    pub by: By,
}

/// Who holds a lock.
#[derive(Debug)]
pub enum By {
    /// A process on this machine, of which the operating system knows whether it lives.
    Process {
        /// Who wrote their name into the lock.
        holder: String,
        /// The file it is on.
        path: String,
    },
    /// A run that renews its lease.
    Run {
        /// Who it is.
        holder: Holder,
        /// For how long it holds at most without a renewal, in seconds.
        lapses_in_s: u64,
        /// Its fencing token.
        fence: u64,
    },
    /// Nobody knows: the lock cannot be read.
    Damaged(String),
}

/// The locks for people. `tenant` is whose part alone was looked at; `store` is `file` or `s3`.
pub fn render(locked: &[Locked], tenant: Option<&str>, store: &str, width: usize) -> String {
    let mut lines: Vec<String> = locked.iter().flat_map(lines).collect();
    if locked.is_empty() {
        lines.push(format!("Nobody has {}.", what(tenant)));
    }
    if store == "file" {
        lines.push(
            "The operating system holds this lock and lets it go when the holder ends, however it ends: there is \
             never anything to clear."
                .to_owned(),
        );
    }
    lines.iter().map(|line| wrapped(line, width, 2) + "\n").collect()
}

fn what(tenant: Option<&str>) -> String {
    tenant.map_or_else(|| "the state".to_owned(), |tenant| format!("the state's part of tenant {tenant}"))
}

fn lines(locked: &Locked) -> Vec<String> {
    let what = what(locked.tenant.as_deref());
    match &locked.by {
        By::Process { holder, path } => vec![format!("{holder} has {what}, {path}.")],
        By::Damaged(error) => vec![format!("{error}.")],
        By::Run { holder, lapses_in_s, .. } => {
            let lapses = match lapses_in_s {
                0 => "Its lock has lapsed: the next run takes it over by itself.".to_owned(),
                left => format!("Its lock lapses in {left} s unless that run renews it, as a living one does."),
            };
            vec![format!("{holder} has {what} since {}.", holder.since), lapses]
        }
    }
}

/// `{"store","locked","holder",…,"tenants":[{"tenant","holder",…}]}`: who has the whole, then who has parts.
pub fn json(locked: &[Locked], store: &str) -> Value {
    let mut document = json!({ "store": store, "locked": !locked.is_empty(), "holder": null, "tenants": [] });
    for one in locked {
        let mut told = match &one.by {
            By::Process { holder, .. } => json!({ "holder": holder }),
            By::Run { holder, lapses_in_s, fence } => {
                json!({ "holder": holder, "lapses_in_s": lapses_in_s, "fence": fence })
            }
            By::Damaged(error) => json!({ "holder": null, "damaged": error }),
        };
        match (&one.tenant, told.as_object_mut()) {
            (Some(tenant), _) => {
                told["tenant"] = json!(tenant);
                if let Some(tenants) = document["tenants"].as_array_mut() {
                    tenants.push(told);
                }
            }
            (None, Some(told)) => document.as_object_mut().into_iter().for_each(|all| all.append(told)),
            (None, None) => {}
        }
    }
    document
}
