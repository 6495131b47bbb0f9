//! Reports of `koku-nise`, a generator of AWS's reports that others wrote, add up to what Python's decimals say, to the
//! last digit of every group.

use std::path::{Path, PathBuf};
use std::process::Command;

use tests::stage::binary;

/// Adds up, independently of ours.
const TOTALS: &str = include_str!("totals.py");

fn stdout(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?} does not run ({error})"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// Days of two months, each a file of its own.
fn generated(folder: &Path) -> Vec<PathBuf> {
    let days = ["--start-date", "2026-01-30", "--end-date", "2026-02-02"];
    let nise = ["report", "aws", "--write-monthly"];
    stdout(Command::new("nise").args(nise).args(days).current_dir(folder));
    let files = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let mut files: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|end| end == "csv")).collect();
    files.sort();
    files
}

#[test]
#[cfg_attr(not(tool_nise), ignore = "nise (PyPI's koku-nise) is missing")]
fn reports_of_nise_are_added_up_to_the_last_digit() {
    let folder = tempfile::tempdir().expect("a folder");
    let files = generated(folder.path());
    assert_eq!(files.len(), 2, "{files:?}");
    let by = ["costs", "report", "--by", "service,account,day,line-type", "--format", "csv"];
    let ours = stdout(Command::new(binary()).args(by).args(&files));
    let theirs = stdout(Command::new("python3").args(["-c", TOTALS]).args(&files));
    assert!(ours.lines().count() > 50, "{ours}");
    for (line, expected) in ours.lines().zip(theirs.lines()) {
        assert_eq!(line, expected);
    }
    assert_eq!(ours.lines().count(), theirs.lines().count());
}
