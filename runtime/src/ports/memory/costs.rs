//! Cost Explorer in memory: one page an answer, days without rows included. Its groups carry no tag but the tenant tag, so
//! that no cut takes any of them.

use async_trait::async_trait;
use billing::Period;
use billing::attribution::{Cut, QueriedDay};

use super::Memory;
use crate::ports::{CostPage, CostSource, Part, PortError};

#[async_trait]
impl CostSource for Memory {
    async fn page(
        &self,
        period: &Period,
        part: Part,
        cut: Option<&Cut>,
        _token: Option<&str>,
    ) -> Result<CostPage, PortError> {
        self.call("ask for costs", |world| {
            let days = match part {
                Part::Service => &world.by_service,
                Part::Project => &world.by_project,
                Part::Record => &world.by_record,
            };
            let nothing = |date| QueriedDay { date, estimated: false, rows: Vec::new() };
            let mut found: Vec<QueriedDay> = period.days().map(nothing).collect();
            let whole = cut.is_none_or(|cut| cut.takes(|_| None));
            found.extend(days.iter().filter(|day| whole && period.contains(day.date)).cloned());
            Ok(CostPage { days: found, next: None })
        })
    }
}
