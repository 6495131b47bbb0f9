//! `bench apply`: each side on a cloud of its own, so that neither finds what the other left or warmed up.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::figures::{Figures, Side, Work};
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
pub async fn run(tenants: usize, rounds: u16) -> Fallible<Figures> {
    let billform = binary::billform()?;
    let mut figures = Figures {
        tenants,
        resources: 0,
        version: cold_starts(&billform).await?,
        validate: validations(&billform).await?,
        validate_tenants: VALIDATE_TENANTS,
        apply: Work::default(),
        plan: Work::default(),
    };
    for round in 1..=rounds {
        eprintln!("round {round} of {rounds}: billform");
        billform_side(&billform, &mut figures).await?;
        eprintln!("round {round} of {rounds}: the same calls by hand");
        raw_side(&mut figures).await?;
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

async fn billform_side(billform: &Path, figures: &mut Figures) -> Fallible<()> {
    let place = Place::start(figures.tenants).await?;
    let command = |words: &[&str]| {
        let mut command = place.command(billform);
        command.args(words).args(["--format", "json", "--manifest"]).arg(&place.manifest);
        command.arg("--bundle").arg(&place.bundle);
        command
    };
    let (side, said) = counted(&place, command(&["apply", "--auto-approve"])).await?;
    figures.resources = said["summary"]["create"].as_u64().unwrap_or(0);
    if figures.resources == 0 || said["failed"] != serde_json::json!([]) {
        return Err(format!("the apply did not do its work: {said}"));
    }
    figures.apply.billform.push(side);
    let (side, said) = counted(&place, command(&["plan"])).await?;
    if said["summary"]["no_op"].as_u64() != Some(figures.resources) {
        return Err(format!("the plan after the apply is not empty: {}", said["summary"]));
    }
    figures.plan.billform.push(side);
    place.cloud.stop().await;
    Ok(())
}

async fn counted(place: &Place, command: std::process::Command) -> Fallible<(Side, Value)> {
    place.cloud.traffic().reset();
    let ran = process::run(command).await?;
    let counts = place.cloud.traffic().counts();
    let said = serde_json::from_str(&ran.stdout).map_err(|error| format!("{error} in: {}", ran.stdout))?;
    Ok((Side::new(&ran, ran.wall, counts), said))
}

/// The same in a process that is built, started and measured alike; only its calls and their clients are timed.
async fn raw_side(figures: &mut Figures) -> Fallible<()> {
    let place = Place::start(figures.tenants).await?;
    let here = std::env::current_exe().map_err(|error| error.to_string())?;
    for (work, sides) in [("apply", &mut figures.apply.raw), ("plan", &mut figures.plan.raw)] {
        let mut command = place.command(&here);
        command.args(["raw", work, "--manifest"]).arg(&place.manifest).arg("--bundle").arg(&place.bundle);
        let (side, said) = counted(&place, command).await?;
        let wall = said["calls_us"].as_u64().ok_or_else(|| format!("no time in {said}"))?;
        sides.push(Side { wall: Duration::from_micros(wall), ..side });
    }
    place.cloud.stop().await;
    Ok(())
}
