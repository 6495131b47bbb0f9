//! Sizes that Lambda takes, and how long logs stay.

use super::values::retention;
use super::{Checker, steps};

pub(super) fn check(checker: &mut Checker<'_>) {
    let manifest = checker.manifest;
    retention(checker, &steps!["functions", "log_retention"], manifest.functions.log_retention);
    for (name, handler) in &manifest.functions.handlers {
        if handler.memory_mb.is_some_and(|memory| !(128..=10_240).contains(&memory)) {
            let hint = "write 128 to 10240".to_owned();
            checker.at(&steps!["functions", "handlers", name, "memory_mb"], "Lambda has no such memory size", hint);
        }
        let longest = checker.catalogue.longest_timeout_s(name);
        if handler.timeout.is_some_and(|timeout| !(1..=longest).contains(&timeout.count())) {
            let hint = format!("write 1 second to {longest} seconds");
            let steps = steps!["functions", "handlers", name, "timeout"];
            checker.at(&steps, format!("`{name}` cannot run for so long"), hint);
        }
    }
}
