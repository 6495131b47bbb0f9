//! The time that business goes by: last month, first periods, when a link expires.
//!
//! In dev builds that work on a local cloud it is that cloud's time, which `billform local clock --advance` moves.
//! Locks, leases, states and signatures keep the machine's time.

use billing::Month;
use billing::period::PeriodError;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// The time it is.
pub async fn now() -> Timestamp {
    #[cfg(debug_assertions)]
    if let Some(now) = local::now().await {
        return now;
    }
    Timestamp::now()
}

/// The UTC day it is.
pub async fn today() -> Date {
    now().await.to_zoned(TimeZone::UTC).date()
}

/// The month asked for; last month where none is.
pub async fn month_or_last(asked: Option<Month>) -> Result<Month, PeriodError> {
    match asked {
        Some(month) => Ok(month),
        None => Month::of(today().await).previous(),
    }
}

/// The local cloud's clock. Release builds do not contain it: there, nothing but the machine decides what is billed.
#[cfg(debug_assertions)]
mod local {
    use jiff::Timestamp;
    use localcloud::remote;

    /// None when `AWS_ENDPOINT_URL` names nothing on this machine, or no local cloud (moto has no clock).
    pub(super) async fn now() -> Option<Timestamp> {
        let endpoint = std::env::var("AWS_ENDPOINT_URL").ok().filter(|endpoint| remote::is_loopback(endpoint))?;
        remote::clock(&endpoint).await.ok().map(|reading| reading.now)
    }
}
