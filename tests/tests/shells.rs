//! `completions` and `man`, as the programs take them that they are written for.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use tests::stage::binary;

/// Runs billform in a folder and returns its stdout.
fn billform(folder: &Path, arguments: &[&str]) -> Vec<u8> {
    let output = Command::new(binary()).args(arguments).current_dir(folder).output().expect("billform starts");
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    output.stdout
}

fn run(command: &str, arguments: &[&str], file: &Path) -> Output {
    let mut command = Command::new(command);
    command.args(arguments).arg(file).stdin(Stdio::null()).output().expect("the tool starts")
}

#[test]
#[cfg_attr(not(tool_bash), ignore = "bash is missing")]
fn bash_takes_its_script_and_completes_with_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let script = folder.path().join("billform.bash");
    fs::write(&script, billform(folder.path(), &["completions", "bash"])).expect("is written");
    let checked = run("bash", &["-n"], &script);
    assert!(checked.status.success(), "{checked:?}");
    let complete = format!(
        "source {}; COMP_WORDS=(billform perm); COMP_CWORD=1; _billform billform perm billform; echo \"${{COMPREPLY[@]}}\"",
        script.display()
    );
    let completed = Command::new("bash").args(["-c", &complete]).output().expect("bash runs");
    assert_eq!(String::from_utf8_lossy(&completed.stdout).trim(), "permissions", "{completed:?}");
}

#[test]
#[cfg_attr(not(tool_groff), ignore = "groff is missing")]
fn every_page_renders_without_a_warning() {
    let folder = tempfile::tempdir().expect("a folder");
    billform(folder.path(), &["man", "--out", "pages"]);
    let pages = fs::read_dir(folder.path().join("pages")).expect("the pages").map(|page| page.expect("a page").path());
    let pages: Vec<_> = pages.collect();
    assert!(pages.len() > 20, "{pages:?}");
    for page in pages {
        // Warnings of groff are on stderr, and its exit code is 0 all the same.
        let checked = run("groff", &["-man", "-ww", "-z", "-Kutf8", "-Tutf8"], &page);
        let said = String::from_utf8_lossy(&checked.stderr);
        assert!(checked.status.success() && said.is_empty(), "{}: {said}", page.display());
    }
}
