//! The figures written down: a table for people, one document for programs.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Number, Value, json};

use crate::binary;
use crate::figures::{Figures, Side, Size, Work, median, walls, within};
use crate::functions::{self, Measured};
use crate::pages::Page;
use crate::phase::Phase;
use crate::planning::Planned;
use crate::webhooks::Told;

/// `billform-bench/2`.
pub fn provision_json(figures: &Figures) -> Value {
    let validate: Vec<Duration> = figures.validate.iter().map(|ran| ran.wall).collect();
    json!({
        "format": "billform-bench/2",
        "profile": binary::profile(),
        "cores": cores(),
        "rounds": figures.rounds,
        "version": { "wall_ms": ms(median(figures.version.clone())), "runs": figures.version.len() },
        "validate": {
            "tenants": figures.validate_tenants,
            "wall_ms": ms(median(validate)),
            "peak_memory_mib": figures.validate.iter().map(|ran| mib(ran.peak_memory_kib)).max(),
        },
        "sizes": figures.sizes.iter().map(size_json).collect::<Vec<_>>(),
    })
}

fn size_json(size: &Size) -> Value {
    let mut out = json!({ "tenants": size.tenants, "resources": size.resources });
    for (phase, work) in &size.works {
        out[phase.name()] = work_json(work, size.resources);
    }
    out
}

fn work_json(work: &Work, resources: u64) -> Value {
    let differ = work.differing_calls().into_iter().map(|(service, operation, billform, raw)| {
        json!({ "service": service, "operation": operation, "billform": billform, "raw": raw })
    });
    json!({
        "billform": side_json(&work.billform, resources),
        "raw": side_json(&work.raw, resources),
        "ratio": number(&hundredths(work.ratio_percent())),
        "differing_calls": differ.collect::<Vec<_>>(),
    })
}

fn side_json(sides: &[Side], resources: u64) -> Value {
    let Some(last) = sides.last() else { return Value::Null };
    json!({
        "wall_ms": ms(median(walls(sides))),
        "process_ms": ms(median(sides.iter().map(|side| side.process).collect())),
        "wall_ms_of_rounds": walls(sides).into_iter().map(ms).collect::<Vec<_>>(),
        "cpu_ms": ms(median(sides.iter().map(|side| side.cpu).collect())),
        "peak_memory_mib": sides.iter().map(|side| mib(side.peak_memory_kib)).max(),
        "in_flight_peak": sides.iter().map(|side| side.in_flight_peak).max(),
        "calls": last.total(),
        "resources_per_call": number(&tenths_of(resources, last.total())),
        "rejections": sides.iter().map(|side| side.rejections).max(),
        "calls_by_service": last.by_service(),
        "operations": last.calls,
    })
}

/// What is behind the figures, said under every table.
const EXPLAINED: &str = "\
billform: the whole process, start to exit. By hand: plain SDK and async-stripe calls that read and make the tenants'
resources and the table they lie in, with billform's limits per service, timed from the making of the clients to the
last answer; what all tenants share is left out. Each side runs on a fresh local cloud of its own in every round; times
are medians, memory (VmHWM), calls in flight and rejections are maxima. The no-op plan of both runs under the rates that AWS and Stripe publish; what is over one is rejected.";

/// The table.
pub fn provision_table(figures: &Figures) -> String {
    let mut out = String::new();
    let (profile, cores, rounds) = (binary::profile(), cores(), figures.rounds);
    // Writing to a string does not fail.
    let _ = writeln!(out, "{rounds} rounds, {profile} build, {cores} cores\n");
    let _ = writeln!(out, "cold start (--version)      {:>9} ms", shown(median(figures.version.clone())));
    let validate = median(figures.validate.iter().map(|ran| ran.wall).collect());
    let peak = figures.validate.iter().map(|ran| mib(ran.peak_memory_kib)).max().unwrap_or(0);
    let _ =
        writeln!(out, "validate, {:>6} tenants    {:>9} ms   {peak:>4} MiB", figures.validate_tenants, shown(validate));
    for size in &figures.sizes {
        size_table(&mut out, size);
    }
    let _ = write!(out, "\n{EXPLAINED}");
    out
}

fn size_table(out: &mut String, size: &Size) {
    let _ = writeln!(out, "\n{} tenants, {} resources", size.tenants, size.resources);
    let _ = writeln!(
        out,
        "{:<22}{:>10}{:>10}{:>8}{:>10}{:>10}{:>10}{:>16}",
        "", "wall ms", "cpu ms", "MiB", "calls", "in flight", "rejected", "resources/call"
    );
    for (phase, work) in &size.works {
        row(out, &format!("{}, billform", phase.title()), &work.billform, size.resources);
        row(out, &format!("{}, by hand", phase.title()), &work.raw, size.resources);
        let _ = writeln!(out, "{:<22}{:>9}x", "  ratio", hundredths(work.ratio_percent()));
    }
    for (phase, work) in &size.works {
        services(out, *phase, work);
    }
}

fn row(out: &mut String, name: &str, sides: &[Side], resources: u64) {
    let Some(last) = sides.last() else { return };
    let cpu = median(sides.iter().map(|side| side.cpu).collect());
    let peak = sides.iter().map(|side| mib(side.peak_memory_kib)).max().unwrap_or(0);
    let in_flight = sides.iter().map(|side| side.in_flight_peak).max().unwrap_or(0);
    let rejected = sides.iter().map(|side| side.rejections).max().unwrap_or(0);
    let (wall, cpu) = (shown(median(walls(sides))), shown(cpu));
    let per_call = tenths_of(resources, last.total());
    let _ = writeln!(
        out,
        "{name:<22}{wall:>10}{cpu:>10}{peak:>8}{:>10}{in_flight:>10}{rejected:>10}{per_call:>16}",
        last.total()
    );
}

fn services(out: &mut String, phase: Phase, work: &Work) {
    let Some(last) = work.billform.last() else { return };
    let counts: Vec<String> = last.by_service().iter().map(|(service, count)| format!("{service} {count}")).collect();
    let _ = writeln!(out, "\ncalls of the {}: {}", phase.title(), counts.join(", "));
    for (service, operation, billform, raw) in work.differing_calls() {
        let _ = writeln!(out, "  not the same: {service} {operation}: {billform} by billform, {raw} by hand");
    }
}

/// Planning alone as a document.
pub fn planning_json(planned: &Planned, peak_memory_kib: u64) -> Value {
    json!({
        "format": "billform-bench-plan/1",
        "profile": binary::profile(),
        "tenants": planned.tenants,
        "resources": planned.resources,
        "manifest_ms": ms(planned.manifest),
        "graph_ms": ms(planned.graph),
        "state_ms": ms(planned.state),
        "first_plan_ms": ms(planned.first),
        "no_op_plan_ms": ms(planned.unchanged),
        "one_more_tenant_ms": ms(planned.one_more),
        "peak_memory_mib": mib(peak_memory_kib),
    })
}

/// Planning alone as a table.
pub fn planning_table(planned: &Planned, peak_memory_kib: u64) -> String {
    let mut out = format!(
        "planning alone: {} tenants, {} resources, {} build, {} MiB at most\n",
        planned.tenants,
        planned.resources,
        binary::profile(),
        mib(peak_memory_kib)
    );
    for (name, took) in [
        ("manifest read and checked", planned.manifest),
        ("graph made", planned.graph),
        ("state read", planned.state),
        ("first plan (all new)", planned.first),
        ("plan without changes", planned.unchanged),
        ("plan for one tenant more", planned.one_more),
    ] {
        let _ = write!(out, "\n{name:<28}{:>10} ms", shown(took));
    }
    out
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn mib(kib: u64) -> u64 {
    kib.div_ceil(1024)
}

/// Milliseconds with one decimal.
fn shown(time: Duration) -> String {
    let tenths = time.as_micros() / 100;
    format!("{}.{}", tenths / 10, tenths % 10)
}

fn ms(time: Duration) -> Number {
    number(&shown(time))
}

fn hundredths(percent: u128) -> String {
    format!("{}.{:02}", percent / 100, percent % 100)
}

/// A quotient with one decimal.
fn tenths_of(amount: u64, by: u64) -> String {
    let tenths = amount * 10 / by.max(1);
    format!("{}.{}", tenths / 10, tenths % 10)
}

/// A decimal text as a JSON number.
fn number(text: &str) -> Number {
    serde_json::from_str(text).unwrap_or_else(|_| Number::from(0))
}

/// `billform-bench-runtime/1`.
pub fn functions_json(measured: &Measured) -> Value {
    json!({
        "format": "billform-bench-runtime/1",
        "cores": cores(),
        "tenants": measured.tenants,
        "zip_bytes": measured.zip_bytes,
        "start_ms": ms(median(measured.starts.clone())),
        "idle_memory_mib": mib(measured.idle_memory_kib),
        "works": measured.works.iter().map(work_of_function).collect::<Vec<_>>(),
        "pages": measured.pages.iter().map(page_json).collect::<Vec<_>>(),
        "webhooks": measured.webhooks.iter().map(told_json).collect::<Vec<_>>(),
    })
}

fn page_json(page: &Page) -> Value {
    json!({
        "name": page.name,
        "answers": page.took.len(),
        "p50_ms": ms(within(&page.took, 50)),
        "p99_ms": ms(within(&page.took, 99)),
        "processor_ms": ms(page.processor),
        "cold_p50_ms": ms(within(&page.cold, 50)),
        "cold_worst_ms": ms(within(&page.cold, 100)),
        "calls_by_service": page.calls,
        "bytes": page.bytes,
        "peak_memory_mib": mib(page.peak_memory_kib),
    })
}

fn pages_table(out: &mut String, pages: &[Page]) {
    let _ = writeln!(
        out,
        "\n{:<24} {:>10} {:>10} {:>12} {:>10} {:>10} {:>9} {:>9}",
        "warm pages", "p50 ms", "p99 ms", "processor ms", "cold ms", "calls", "bytes", "memory"
    );
    for page in pages {
        let _ = writeln!(
            out,
            "{:<24} {:>10} {:>10} {:>12} {:>10} {:>10} {:>9} {:>5} MiB",
            format!("{} {}", page.took.len(), page.name),
            shown(within(&page.took, 50)),
            shown(within(&page.took, 99)),
            shown(page.processor),
            shown(within(&page.cold, 50)),
            page.calls.values().sum::<u64>(),
            page.bytes,
            mib(page.peak_memory_kib),
        );
    }
}

fn told_json(told: &Told) -> Value {
    json!({
        "name": told.name,
        "events": told.took.len(),
        "wall_ms": ms(told.wall),
        "per_second": number(&per_second(told)),
        "p50_ms": ms(told.within(50)),
        "p99_ms": ms(told.within(99)),
        "stripe_calls": told.stripe_calls,
        "rejections": told.rejections,
        "peak_memory_mib": mib(told.peak_memory_kib),
    })
}

fn per_second(told: &Told) -> String {
    tenths_of(told.took.len() as u64 * 1_000_000, u64::try_from(told.wall.as_micros()).unwrap_or(u64::MAX))
}

fn webhooks_table(out: &mut String, told: &[Told]) {
    let _ = writeln!(
        out,
        "\n{:<24} {:>10} {:>10} {:>10} {:>14} {:>9} {:>9}",
        "webhooks", "a second", "p50 ms", "p99 ms", "Stripe/event", "rejected", "memory"
    );
    for told in told {
        let _ = writeln!(
            out,
            "{:<24} {:>10} {:>10} {:>10} {:>14} {:>9} {:>5} MiB",
            format!("{} {}", told.took.len(), told.name),
            per_second(told),
            shown(told.within(50)),
            shown(told.within(99)),
            tenths_of(told.stripe_calls, told.took.len() as u64),
            told.rejections,
            mib(told.peak_memory_kib),
        );
    }
}

fn work_of_function(work: &functions::Work) -> Value {
    json!({
        "name": work.name,
        "wall_ms": ms(work.wall),
        "invocations": work.invocations,
        "calls_by_service": work.calls,
        "rejections": work.rejections,
        "peak_memory_mib": mib(work.peak_memory_kib),
        "memory_setting_mib": work.limit_mib,
    })
}

/// The table of the handlers.
pub fn functions_table(measured: &Measured) -> String {
    let mut out = String::new();
    let tenants = measured.tenants as u64;
    // Writing to a string does not fail.
    let _ = writeln!(
        out,
        "bundle {} bytes, start to first question {} ms (median of {}), idle {} MiB, {} cores\n",
        measured.zip_bytes,
        shown(median(measured.starts.clone())),
        measured.starts.len(),
        mib(measured.idle_memory_kib),
        cores(),
    );
    let _ = writeln!(
        out,
        "{:<24} {:>10} {:>6} {:>14} {:>12} {:>9} {:>9}",
        format!("{tenants} tenants"),
        "ms",
        "runs",
        "Stripe/tenant",
        "other calls",
        "rejected",
        "memory"
    );
    for work in &measured.works {
        let stripe = work.calls.get("stripe").copied().unwrap_or(0);
        let all: u64 = work.calls.values().sum();
        let _ = writeln!(
            out,
            "{:<24} {:>10} {:>6} {:>14} {:>12} {:>9} {:>5} MiB",
            work.name,
            shown(work.wall),
            work.invocations,
            tenths_of(stripe, tenants),
            all - stripe,
            work.rejections,
            mib(work.peak_memory_kib),
        );
    }
    pages_table(&mut out, &measured.pages);
    webhooks_table(&mut out, &measured.webhooks);
    let _ = write!(
        out,
        "\nUnder the rates that AWS and Stripe publish; memory is VmHWM, of {} MiB allowed.",
        allowed(measured)
    );
    out
}

fn allowed(measured: &Measured) -> i32 {
    measured.works.iter().map(|work| work.limit_mib).min().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_decimals() {
        assert_eq!(ms(Duration::from_micros(12_349)).to_string(), "12.3");
        assert_eq!(number(&hundredths(105)).to_string(), "1.05");
        assert_eq!(mib(1025), 2);
        assert_eq!((tenths_of(3_023, 60), tenths_of(1, 0)), ("50.3".to_owned(), "1.0".to_owned()));
    }
}
