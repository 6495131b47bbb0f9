//! `bench provision`: each side on a cloud of its own, so that neither finds what the other left or warmed up.

use std::path::Path;
use std::time::Duration;

use localcloud::gateway::rates::published;
use serde_json::{Value, json};

use crate::figures::{Figures, Side, Size};
use crate::phase::Phase;
use crate::place::Place;
use crate::process::{self, Ran};
use crate::{Fallible, binary, manifest};

/// How often the cold start is measured.
const VERSION_RUNS: usize = 15;
/// How often validating is measured.
const VALIDATE_RUNS: usize = 3;
/// As many tenants as the issue asks to validate.
const VALIDATE_TENANTS: usize = 1_000;

/// Measures everything.
pub async fn run(tenants: &[usize], rounds: u16) -> Fallible<Figures> {
    let billform = binary::billform()?;
    let mut figures = Figures {
        version: cold_starts(&billform).await?,
        validate: validations(&billform).await?,
        validate_tenants: VALIDATE_TENANTS,
        rounds,
        sizes: Vec::new(),
    };
    for tenants in tenants {
        let mut size = Size { tenants: *tenants, ..Size::default() };
        for round in 1..=rounds {
            eprintln!("{tenants} tenants, round {round} of {rounds}: billform");
            billform_side(&billform, &mut size).await?;
            eprintln!("{tenants} tenants, round {round} of {rounds}: the same calls by hand");
            raw_side(&mut size).await?;
        }
        figures.sizes.push(size);
    }
    Ok(figures)
}

async fn cold_starts(billform: &Path) -> Fallible<Vec<Duration>> {
    let mut walls = Vec::new();
    for _ in 0..VERSION_RUNS {
        let mut command = std::process::Command::new(billform);
        command.arg("--version").env_clear();
        walls.push(process::run(command).await?.wall);
    }
    Ok(walls)
}

async fn validations(billform: &Path) -> Fallible<Vec<Ran>> {
    let folder = tempfile::tempdir().map_err(|error| format!("making a folder: {error}"))?;
    let path = manifest::write(folder.path(), VALIDATE_TENANTS)?;
    let mut runs = Vec::new();
    for _ in 0..VALIDATE_RUNS {
        let mut command = std::process::Command::new(billform);
        command.arg("validate").arg("--manifest").arg(&path).env_clear();
        runs.push(process::run(command).await?);
    }
    Ok(runs)
}

async fn billform_side(billform: &Path, size: &mut Size) -> Fallible<()> {
    let place = Place::start(size.tenants).await?;
    for phase in Phase::ALL {
        let mut command = place.command(billform);
        command.args(phase.arguments()).args(["--format", "json", "--manifest"]).arg(&place.manifest);
        if phase.takes_bundle() {
            command.arg("--bundle").arg(&place.bundle);
        }
        let (side, said) = counted(&place, phase, command).await?;
        if phase == Phase::Apply {
            size.resources = said["summary"]["create"].as_u64().unwrap_or(0);
        }
        check(phase, &said, size.resources)?;
        size.work(phase).billform.push(side);
    }
    place.cloud.stop().await;
    Ok(())
}

/// Whether it did its work: figures of one that did not would say nothing.
fn check(phase: Phase, said: &Value, resources: u64) -> Fallible<()> {
    let summary = |name: &str| said["summary"][name].as_u64();
    let did = match phase {
        Phase::Apply => resources > 0 && said["failed"] == json!([]),
        Phase::Plan => summary("no_op") == Some(resources),
        Phase::Drift => summary("compared") == Some(resources) && said["changes"] == json!([]),
        Phase::Destroy => {
            summary("delete").map(|gone| gone + stays(said)) == Some(resources) && said["failed"] == json!([])
        }
    };
    if did {
        Ok(())
    } else {
        Err(format!("the {} of {resources} resources did not do its work: {said}", phase.title()))
    }
}

/// What no destroy takes away: the books, and what is the whole payer's.
fn stays(said: &Value) -> u64 {
    let kept = said["kept"].as_array().into_iter().flatten().filter_map(|kept| kept["address"].as_str());
    let stays = |address: &&str| address.starts_with("stripe_customer.") || address.starts_with("allocation_tags.");
    kept.filter(stays).count() as u64
}

async fn counted(place: &Place, phase: Phase, command: std::process::Command) -> Fallible<(Side, Value)> {
    let traffic = place.cloud.traffic();
    let rates = if phase.is_held_to_rates() { published() } else { Vec::new() };
    traffic.set_rates(rates).map_err(|error| error.to_string())?;
    traffic.reset();
    let ran = process::run(command).await?;
    let counts = traffic.counts();
    let said = serde_json::from_str(&ran.stdout).map_err(|error| format!("{error} in: {}", ran.stdout))?;
    Ok((Side::new(&ran, ran.wall, counts), said))
}

/// The same in a process that is built, started and measured alike; only its calls and their clients are timed.
async fn raw_side(size: &mut Size) -> Fallible<()> {
    let place = Place::start(size.tenants).await?;
    let here = std::env::current_exe().map_err(|error| error.to_string())?;
    for phase in Phase::ALL {
        let mut command = place.command(&here);
        command.args(["raw", phase.name(), "--manifest"]).arg(&place.manifest);
        let (side, said) = counted(&place, phase, command).await?;
        let wall = said["calls_us"].as_u64().ok_or_else(|| format!("no time in {said}"))?;
        size.work(phase).raw.push(Side { wall: Duration::from_micros(wall), ..side });
    }
    place.cloud.stop().await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_did_not_do_its_work_is_no_figure() {
        let plan = json!({"summary": {"no_op": 7}});
        assert!(check(Phase::Plan, &plan, 7).is_ok() && check(Phase::Plan, &plan, 8).is_err());
        let drift = json!({"summary": {"compared": 7}, "changes": []});
        assert!(check(Phase::Drift, &drift, 7).is_ok() && check(Phase::Drift, &drift, 8).is_err());
        assert!(check(Phase::Apply, &json!({"failed": []}), 7).is_ok() && check(Phase::Apply, &json!({}), 7).is_err());
        assert!(check(Phase::Apply, &json!({"failed": []}), 0).is_err());
        let kept = |address: &str| json!({"summary": {"delete": 6}, "failed": [], "kept": [{"address": address}]});
        assert!(check(Phase::Destroy, &kept("stripe_customer.a"), 7).is_ok());
        assert!(check(Phase::Destroy, &kept("secret.a"), 7).is_err(), "counted as deleted");
    }
}
