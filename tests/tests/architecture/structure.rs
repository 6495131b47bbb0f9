//! Where things lie: few top-level modules, one file or folder for every kind and handler, no file that grew too long.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use tests::stage::checkout;

use crate::sources;

/// How many top-level modules a reader of the provisioner is shown.
const TOP_LEVEL: usize = 12;

/// How many lines a file has at most.
const LINES: usize = 500;

/// Files that are longer, to be split. One that was is taken off this list.
const LONG: &[&str] = &[];

/// What lies among the kinds and is none.
const BESIDE_KINDS: &[&str] = &["mod", "support", "typed"];

/// What lies among the handlers and is none.
const BESIDE_HANDLERS: &[&str] = &["mod"];

#[test]
fn the_provisioner_has_few_top_level_modules() {
    let modules = names(&checkout().join("provisioner/src"), &["lib", "main"]);
    assert!(modules.contains("kinds"), "the modules were found: {modules:?}");
    assert!(modules.len() <= TOP_LEVEL, "{} top-level modules, at most {TOP_LEVEL}: {modules:?}", modules.len());
}

#[test]
fn every_kind_has_one_file_or_folder_of_its_name() {
    let kinds: BTreeSet<String> = provisioner::kinds::KINDS.iter().map(|kind| kind.meta.name.to_owned()).collect();
    let found = names(&checkout().join("provisioner/src/kinds"), BESIDE_KINDS);
    let wrong = misplaced(&kinds, &found);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_handler_has_one_file_or_folder_of_its_name() {
    let text = fs::read_to_string(checkout().join("runtime/handlers.json")).expect("the list of handlers");
    let listed: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let listed = listed.as_array().expect("a list").iter().map(|handler| handler["name"].as_str().expect("a name"));
    let handlers: BTreeSet<String> = listed.map(str::to_owned).collect();
    let found = names(&checkout().join("runtime/src/handlers"), BESIDE_HANDLERS);
    let wrong = misplaced(&handlers, &found);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_file_is_longer_than_it_may_be() {
    let folders = ["provisioner", "runtime", "tests"].map(|folder| checkout().join(folder));
    let files: Vec<_> = folders.iter().flat_map(|folder| sources(folder)).collect();
    assert!(files.len() > 300, "{} files were found", files.len());
    let long = files.iter().filter_map(|file| {
        let text = fs::read_to_string(file).expect("a source");
        let shown = file.strip_prefix(checkout()).expect("a file of the checkout").display().to_string();
        too_long(&text).then_some(shown)
    });
    let long: BTreeSet<String> = long.collect();
    let listed: BTreeSet<String> = LONG.iter().map(|file| (*file).to_owned()).collect();
    let wrong: Vec<&String> = long.symmetric_difference(&listed).collect();
    assert!(wrong.is_empty(), "longer than {LINES} lines and not listed, or listed and not longer: {wrong:?}");
}

/// Modules in a folder, as files or folders, but for some.
fn names(folder: &Path, but: &[&str]) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).expect("a folder of sources").flatten().map(|entry| entry.path());
    let stems = entries.filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()));
    stems.filter(|name| !but.contains(&name.as_str())).collect()
}

fn misplaced(wanted: &BTreeSet<String>, found: &BTreeSet<String>) -> Vec<String> {
    let missing = wanted.difference(found).map(|name| format!("{name} has no file of its own"));
    let extra = found.difference(wanted).map(|name| format!("{name} is none: where else does it belong?"));
    missing.chain(extra).collect()
}

fn too_long(text: &str) -> bool {
    text.lines().count() > LINES
}

/// Time makes things happen in the demo, as it does for a customer: schedules call the functions.
#[test]
fn the_demo_invokes_no_function() {
    let demo = checkout().join("provisioner/src");
    let files: Vec<_> = sources(&demo).into_iter().filter(|file| shown(&demo, file).starts_with("demo")).collect();
    assert!(files.len() > 2, "{files:?}");
    for file in files {
        let text = fs::read_to_string(&file).expect("a source");
        assert!(!invokes(&text), "{} invokes a function", file.display());
    }
}

fn shown(folder: &Path, file: &Path) -> String {
    file.strip_prefix(folder).unwrap_or(file).display().to_string()
}

fn invokes(text: &str) -> bool {
    [".invoke(", "\"invoke\""].iter().any(|call| text.contains(call))
}

#[test]
fn these_rules_can_fail() {
    assert!(invokes("client.invoke().send()") && !invokes("client.update_function_code()"));

    let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    assert!(misplaced(&set(&["budget"]), &set(&["budget"])).is_empty());
    let wrong = misplaced(&set(&["budget", "secret"]), &set(&["budget", "helpers"]));
    assert_eq!(wrong, ["secret has no file of its own", "helpers is none: where else does it belong?"]);
    assert!(!too_long(&"line\n".repeat(LINES)) && too_long(&"line\n".repeat(LINES + 1)));

    let folder = tempfile::tempdir().expect("a folder");
    for file in ["lib.rs", "alone.rs", "both.rs"] {
        fs::write(folder.path().join(file), "").expect("written");
    }
    fs::create_dir(folder.path().join("both")).expect("made");
    assert_eq!(names(folder.path(), &["lib"]), set(&["alone", "both"]), "a file and its folder are one module");
}
