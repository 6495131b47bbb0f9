//! Characters that steer a terminal: refused in manifests, and shown as pictures when a cloud or a state file has them.

use std::fs;
use std::path::Path;

use serde_json::json;

use crate::program::{Program, SMALL};

/// Clears the screen, sets the title, hides what follows; by C1, too; and turns the direction of writing.
const HOSTILE: &str = "evil\u{1b}[2J\u{1b}]0;pwned\u{7}\u{1b}[8m\u{9b}2J\u{202e}\r";

fn steers(text: &str) -> bool {
    text.contains(|c: char| c != '\n' && (c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c)))
}

#[test]
fn a_manifest_with_them_is_refused_and_told_without_them() {
    let program = Program::new();
    program.write("billform.yaml", SMALL.replace("name: Acme", "name: \"Acme\\e[2J\u{202e}\""));
    for arguments in [&["validate"][..], &["plan"], &["graph"], &["validate", "--format", "json"]] {
        let ran = program.run(arguments);
        assert_eq!(ran.status, 1, "{arguments:?}");
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert!(said.contains("this text holds U+001B") && said.contains("take it out"), "{said}");
        assert!(!steers(&said), "{said:?}");
    }
}

#[test]
fn raw_ones_in_the_file_do_not_reach_the_terminal_either() {
    let program = Program::new();
    program.write("billform.yaml", format!("{SMALL}\"x{HOSTILE}\": y\n"));
    program.write("tenants/b.yaml", format!("name: {HOSTILE} # {HOSTILE}\nid: 7\n"));
    for arguments in [&["validate"][..], &["plan"], &["validate", "--format", "json"]] {
        let ran = program.run(arguments);
        assert_eq!(ran.status, 1, "{arguments:?}");
        assert!(!steers(&ran.stdout) && !steers(&ran.stderr), "{ran:?}");
    }
}

#[test]
fn what_a_state_holds_is_shown_and_steers_nothing() {
    let program = Program::small();
    let record =
        json!({ "address": "lambda_function.costs", "id": HOSTILE, "fields": { "tags": { "Owner": HOSTILE } } });
    let records = json!({ "lambda_function.costs": record });
    let state = json!({ "version": 1, "stack": "small", "serial": 3, "records": records });
    program.write(".billform/state.json", state.to_string());
    for arguments in [
        &["output"][..],
        &["output", "functions.costs"],
        &["output", "--format", "json"],
        &["state", "show", "lambda_function.costs"],
        &["state", "list"],
    ] {
        let shown = program.run(arguments).ok();
        assert!(!steers(&shown), "{arguments:?}: {shown:?}");
    }
    assert!(program.run(&["output"]).ok().contains("evil␛[2J␛]0;pwned␇"));
    let shown = program.run(&["state", "show", "lambda_function.costs"]).json();
    assert_eq!(shown["id"], HOSTILE, "JSON means the same");

    let foreign = json!({ "version": 1, "stack": HOSTILE, "serial": 3, "records": {} });
    program.write(".billform/state.json", foreign.to_string());
    for arguments in [&["output"][..], &["output", "--format", "json"], &["output", "--color", "always"]] {
        let ran = program.run(arguments);
        assert_eq!(ran.status, 1);
        assert!(ran.stderr.contains("evil"), "{ran:?}");
        let uncoloured = ran.stderr.replace("\u{1b}[1m", "").replace("\u{1b}[31m", "").replace("\u{1b}[0m", "");
        assert!(!steers(&uncoloured), "{ran:?}");
    }
}

/// The place where characters are neutralised helps only if everything goes through it.
#[test]
fn commands_print_what_others_wrote_through_the_terminal_view() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut commands = Vec::new();
    let mut folders = vec![folder.join("commands")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("the commands") {
            let path = entry.expect("a file").path();
            if path.is_dir() { folders.push(path) } else { commands.push(path) }
        }
    }
    let others = ["run/session.rs", "run/progress.rs", "ui/views/failure.rs"].map(|file| folder.join(file));
    let mut around = Vec::new();
    for file in commands.into_iter().chain(others) {
        let text = fs::read_to_string(&file).expect("a source");
        for (number, line) in text.lines().enumerate() {
            if ["anstream::print!(", "anstream::eprint!(", "println!(\"{}\", serde_json"]
                .iter()
                .any(|way| line.contains(way))
            {
                around.push(format!("{}:{}: {}", file.display(), number + 1, line.trim()));
            }
        }
    }
    assert!(around.is_empty(), "print these by views::terminal: print, eprint_line, print_json: {around:#?}");
}
