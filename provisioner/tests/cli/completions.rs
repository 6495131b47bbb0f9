//! `completions` and `man`: what shells and `man` are given. Whether they take it: tests/tests/shells.rs.

use std::fs;

use crate::program::Program;

#[test]
fn every_shell_has_a_script_that_knows_the_commands() {
    let program = Program::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = program.run(&["completions", shell]).ok();
        let mut words = vec!["billform", "permissions", "detailed-exitcode"];
        // The others complete no values.
        if ["bash", "zsh", "fish"].contains(&shell) {
            words.push("invoice-preview");
        }
        for word in words {
            assert!(script.contains(word), "{shell} knows no {word}");
        }
        assert!(script.lines().all(|line| !line.contains('\u{1b}')), "{shell}");
    }
    let said = program.run(&["completions", "bsh"]).failed();
    assert!(said.contains("bash"), "{said}");
}

#[test]
fn there_is_a_page_for_every_command() {
    let program = Program::new();
    let said = program.run(&["man", "--out", "deep/pages"]).ok();
    let folder = program.path("deep/pages");
    let names: Vec<String> = fs::read_dir(&folder)
        .expect("the folder")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    assert!(said.contains(&format!("{} pages", names.len())), "{said}");
    for name in ["billform.1", "billform-plan.1", "billform-tenant-link.1", "billform-man.1"] {
        assert!(names.iter().any(|known| known == name), "{name} is not in {names:?}");
    }
    for name in &names {
        let page = program.read(&format!("deep/pages/{name}"));
        for part in [".TH ", ".SH NAME", ".SH SYNOPSIS", "\\-\\-manifest"] {
            assert!(page.contains(part), "{name} has no {part}");
        }
        // Pages that it refers to are there, too.
        for word in page.split_whitespace().filter_map(|word| word.strip_suffix("(1)")) {
            let referred = format!("{}.1", word.replace("\\-", "-"));
            assert!(names.contains(&referred), "{name} refers to {referred}");
        }
    }
    let listed = program.run(&["man", "--out", "again", "--format", "json"]).json();
    assert_eq!(listed["written"].as_array().map(Vec::len), Some(names.len()));
}

#[test]
fn without_a_folder_the_main_page_is_printed() {
    let program = Program::new();
    let page = program.run(&["man"]).ok();
    program.run(&["man", "--out", "."]).ok();
    assert_eq!(page, program.read("billform.1"));
    for command in ["init", "plan", "apply", "destroy", "completions"] {
        assert!(page.contains(&format!("billform\\-{command}(1)")), "{command}: {page}");
    }
    program.write("file", "");
    let said = program.run(&["man", "--out", "file/pages"]).failed();
    assert!(said.contains("file/pages cannot be written") && said.contains("name another folder"), "{said}");
}
